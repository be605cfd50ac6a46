import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figure.ts';

/** A file of this folder that exports `measure` is a benchmark; its name is the argument of `npm run bench`. */
export interface Benchmark {
  measure(): Promise<Figure[]>;
}

const NOT_BENCHMARKS = new Set(['main.ts', 'figure.ts']);

/** `npm run bench [name …]`: prints each figure, its bar, and how much of the bar is used (below 1 is good). */
async function main(names: string[]): Promise<void> {
  const all = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.ts') && !NOT_BENCHMARKS.has(name))
    .map((name) => name.replace(/\.ts$/, ''));
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Error(`no such benchmark: ${unknown.join(', ')}; there are ${all.join(', ')}`);
  for (const name of names.length > 0 ? names : all) {
    const module = (await import(join(import.meta.dirname, `${name}.ts`))) as Partial<Benchmark>;
    if (!module.measure) continue;
    console.log(`\n${name}`);
    for (const figure of await module.measure()) console.log(line(figure));
  }
}

function line({ what, value, unit, bar, sense = 'most' }: Figure): string {
  const number = (n: number) => (Math.abs(n) >= 100 ? n.toFixed(0) : n.toPrecision(3));
  const figure = `  ${what.padEnd(58)} ${`${number(value)} ${unit}`.padStart(14)}`;
  if (bar === undefined) return figure;
  const used = sense === 'most' ? value / bar : bar / value;
  return `${figure}   ${sense === 'most' ? 'at most' : 'at least'} ${number(bar)}   ratio ${used.toFixed(2)}${used > 1 ? '  over' : ''}`;
}

if (process.argv[1] === import.meta.filename) {
  await main(process.argv.slice(2));
  process.exit(0);
}
