/** Medians and ratios as a table. */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const number = (value) =>
  value >= 1000 ? value.toFixed(0) : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

/**
 * @param rows     [{ what, unit, higher, values: { engine: number[] } }]
 * @param columns  engines in order; the first is compared with the others
 * @returns text for a terminal that is Markdown, too. A ratio above 1 says that the first engine is that many times better.
 */
export function table(rows, columns) {
  const [first, ...others] = columns;
  const head = ['what', ...columns, ...others.map((name) => `× ${name}`)];
  const body = rows.map(({ what, unit, higher, values }) => {
    const medians = Object.fromEntries(columns.map((name) => [name, values[name]?.length ? median(values[name]) : undefined]));
    const cells = columns.map((name) => (medians[name] === undefined ? '–' : `${number(medians[name])} ${unit}`));
    const ratios = others.map((name) => {
      if (medians[first] === undefined || medians[name] === undefined) return '–';
      return number(higher ? medians[first] / medians[name] : medians[name] / medians[first]);
    });
    return [what, ...cells, ...ratios];
  });
  return lines(head, body);
}

/**
 * @param rows  [{ count, 'list ms': 1.5, … }], and `{ WHAT: ms }` for what was done once, on all of it
 * @returns text as `table`
 */
export function curve(rows) {
  const steps = rows.filter((row) => row.count !== undefined);
  const head = Object.keys(steps[0]);
  const text = lines(
    head,
    steps.map((row) => head.map((key) => (key === 'count' ? String(row[key]) : number(row[key])))),
  );
  const once = rows.filter((row) => row.count === undefined).flatMap((row) => Object.entries(row));
  return [text, ...once.map(([what, ms]) => `${what}: ${ms.toFixed(0)} ms`)].join('\n\n');
}

/**
 * @param rows  [{ name, values: number[], unit, mark?: number }]
 * @returns text as `table`: medians, the least and the most, and the mark
 */
export function figures(rows) {
  const cell = (value, unit) => (value === undefined ? '' : `${number(value)} ${unit}`);
  const body = rows.map(({ name, values, unit, mark }) => [
    name,
    cell(median(values), unit),
    cell(Math.min(...values), unit),
    cell(Math.max(...values), unit),
    cell(mark, unit),
  ]);
  return lines(['what', 'median', 'least', 'most', 'mark'], body);
}

/** Aligned columns, the first to the left. */
function lines(head, body) {
  const widths = head.map((_, i) => Math.max(...[head, ...body].map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...body.map(line)].join('\n');
}
