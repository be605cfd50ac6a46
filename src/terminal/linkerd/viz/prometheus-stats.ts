import type { Flag } from '../flags.ts';
import { UsageError } from '../flags.ts';
import type { Invocation } from '../verb.ts';
import { fixed, goJson } from './go-text.ts';
import { flag, secondsIn } from './stat-flags.ts';
import { type Column, linedTable } from './tables.ts';

/** What `stat-inbound` and `stat-outbound` have in common. */
export const PROMETHEUS_FLAGS: Flag[] = [
  flag('output', 'Output format; one of: "table" or "json"', { short: 'o', default: '"table"' }),
  flag('namespace', 'Namespace', { short: 'n' }),
  flag('time-window', 'Stat window (for example: "10s", "1m", "10m", "1h")', { short: 't', default: '"1m"' }),
  flag('prometheusURL', 'Address of Prometheus instance to query'),
];

export const RESOURCE_WORDS = `  The RESOURCE argument is one resource, TYPE/NAME, or all of a TYPE: one of the workloads
  (such as deploy, sts, ds, rs, rc, job, cronjob or po) or a namespace.`;

export const LATENCIES = ['0.5', '0.95', '0.99'];

/** Throws a UsageError for what is neither a table nor JSON. */
function formatOf({ flags }: Invocation): 'table' | 'json' {
  const output = flags.values.get('output') || 'table';
  if (output !== 'table' && output !== 'json') throw new UsageError(`Invalid output format: ${output}`);
  return output;
}

/** A share and a rate, reckoned in 32 bits as upstream does. */
export const percent = (some: number, all: number): string =>
  `${fixed(Math.fround(Math.fround(some / all) * 100), 2)}%`;
export const rate = (count: number, seconds: number): string => fixed(Math.fround(count / seconds), 2);

/** Prints what was counted in a window as the table or the JSON that is asked for. A row may be several lines of either. */
export async function printStats<Row>(
  invocation: Invocation,
  window: string,
  rows: Row[],
  as: {
    columns: Column[];
    cells(row: Row, seconds: number): string[][];
    json(row: Row, seconds: number): unknown[];
  },
): Promise<void> {
  const seconds = secondsIn(window);
  await invocation.out(
    formatOf(invocation) === 'json'
      ? `${goJson(rows.flatMap((row) => as.json(row, seconds)))}\n`
      : linedTable(
          as.columns,
          rows.flatMap((row) => as.cells(row, seconds)),
        ),
  );
}
