import './tooltip.css';

const mac = typeof navigator !== 'undefined' && /Mac/.test(navigator.userAgent);

/** A shortcut as the platform writes it; `Mod` is ⌘ or Ctrl. */
export function Kbd({ keys }: { keys: string }) {
  const text = mac ? keys.replaceAll('Mod+', '⌘').replaceAll('Shift+', '⇧') : keys.replaceAll('Mod', 'Ctrl');
  return <kbd className="kbd">{text}</kbd>;
}
