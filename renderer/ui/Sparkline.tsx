import './sparkline.css';

interface SparklineProps {
  /** 0 to 1, oldest first; null where nothing is known. */
  values: readonly (number | null)[];
  /** How many values fill the width; fewer stand at the right. */
  room: number;
  /** What it shows, in words: it is a picture. */
  label: string;
}

/** A line over time with the area below it, on a scale from nothing to all. Its colour is the text's. */
export function Sparkline({ values, room, label }: SparklineProps) {
  const shown = values.slice(-room);
  const at = (index: number) => (100 * (room - shown.length + index)) / (room - 1);
  const runs: { x: number; y: number }[][] = [[]];
  shown.forEach((value, index) => {
    if (value === null) runs.push([]);
    else runs.at(-1)?.push({ x: at(index), y: 100 - 100 * Math.min(1, Math.max(0, value)) });
  });
  const lines = runs.filter((run) => run.length > 1);
  const points = (run: { x: number; y: number }[]) => run.map(({ x, y }) => `${x.toFixed(2)} ${y.toFixed(2)}`).join('L');
  return (
    <svg className="sparkline" viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label={label}>
      {lines.map((run) => (
        <g key={run[0]?.x}>
          <path className="sparkline-area" d={`M${run[0]?.x.toFixed(2)} 100L${points(run)}L${run.at(-1)?.x.toFixed(2)} 100Z`} />
          <path className="sparkline-line" d={`M${points(run)}`} vectorEffect="non-scaling-stroke" />
        </g>
      ))}
    </svg>
  );
}
