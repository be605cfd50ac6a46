/** Labels of a series; its name is `__name__`. */
export type SeriesLabels = Record<string, string>;

const unescaped = (text: string): string =>
  text.includes('\\') ? text.replace(/\\(.)/g, (_, each: string) => (each === 'n' ? '\n' : each)) : text;

/** Reads `name{a="b",c="d"}`; undefined when it is no such thing. */
export function readSeries(text: string): SeriesLabels | undefined {
  const [, name = '', inner = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?$/.exec(text) ?? [];
  if (name === '') return undefined;
  const labels: SeriesLabels = { __name__: name };
  for (const [, label, value] of inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[label!] = unescaped(value!);
  return labels;
}

/** The lines of Prometheus' text format that carry values: the series as it is written, and the value. */
export function* sampleLines(text: string): Generator<[series: string, value: number]> {
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    // A value, and perhaps an instant, follow the labels, in which there may be spaces.
    const end = line.indexOf(' ', line.lastIndexOf('}') + 1);
    if (end < 0) continue;
    const [value = ''] = line.slice(end + 1).split(' ', 1);
    yield [line.slice(0, end).trimEnd(), numberOf(value)];
  }
}

const numberOf = (text: string): number =>
  text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
