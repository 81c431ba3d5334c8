import './button.css';

export function Spinner({ size }: { size?: number }) {
  return <span className="spinner" aria-hidden style={size ? { width: size, height: size } : undefined} />;
}
