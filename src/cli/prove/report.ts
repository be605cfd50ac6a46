import type { Proof } from './prove.ts';
import { PHASES, type Phase, sumOf, type Timing } from './timing.ts';

/** All proofs of one call. */
export interface Report {
  at: string;
  driver: string;
  /** From the first session to the last, ms. */
  tookMs: number;
  /** Processor time of this process, all its threads and V8's own included, ms. */
  cpuMs: number;
  proofs: Proof[];
  /** Labs that were passed over, each with the reason. */
  skipped: string[];
}

/** Programs that only wait: what the cluster, or a clock, does not do faster. */
const WAITS = /^(sleep|kubectl (rollout status|wait|delete)|academy clock.*)$/;
/** A program is named in a table when it took this share of all that its lab's programs took. */
const WORTH_NAMING = 0.1;

const seconds = (ms: number | undefined): string => ((ms ?? 0) / 1_000).toFixed(1);

interface LabTimes {
  lab: string;
  runs: number;
  failed: number;
  wallMs: number;
  cpuMs: number;
  timing: Timing;
}

export function byLab(proofs: readonly Proof[]): LabTimes[] {
  return [...Map.groupBy(proofs, ({ lab }) => lab)]
    .map(([lab, those]) => {
      const timing = sumOf(those.map((proof) => proof.timing));
      const spent = Object.values(timing.phases);
      return {
        lab,
        runs: those.length,
        failed: those.filter(({ ok }) => !ok).length,
        wallMs: spent.reduce((sum, { wallMs }) => sum + wallMs, 0),
        cpuMs: spent.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
        timing,
      };
    })
    .sort((a, b) => a.lab.localeCompare(b.lab));
}

/** Rows of a table about where the time went: seconds, added up over the runs of a lab. */
export function timingRows(proofs: readonly Proof[]): string[][] {
  const bringUp: Phase[] = ['load', 'cluster', 'mesh', 'start'];
  const sum = ({ phases }: Timing, names: readonly Phase[], of: 'wallMs' | 'cpuMs') =>
    seconds(names.reduce((total, name) => total + (phases[name]?.[of] ?? 0), 0));
  const labs = byLab(proofs);
  const rows = labs.map(({ lab, runs, wallMs, cpuMs, timing }) => [
    lab,
    String(runs),
    seconds(wallMs),
    seconds(cpuMs),
    `${sum(timing, bringUp, 'wallMs')} (${sum(timing, bringUp, 'cpuMs')})`,
    `${sum(timing, ['script'], 'wallMs')} (${sum(timing, ['script'], 'cpuMs')})`,
    `${sum(timing, ['untouched', 'verdict'], 'wallMs')} (${sum(timing, ['untouched', 'verdict'], 'cpuMs')})`,
    waitsOf(timing),
  ]);
  const total = sumOf(labs.map(({ timing }) => timing));
  return [
    ['lab', 'runs', 'wall', 'CPU', 'bring-up (CPU)', 'scripts (CPU)', 'verdicts (CPU)', 'programs that waited'],
    ...rows,
    [
      'all',
      String(proofs.length),
      sum(total, PHASES, 'wallMs'),
      sum(total, PHASES, 'cpuMs'),
      `${sum(total, bringUp, 'wallMs')} (${sum(total, bringUp, 'cpuMs')})`,
      `${sum(total, ['script'], 'wallMs')} (${sum(total, ['script'], 'cpuMs')})`,
      `${sum(total, ['untouched', 'verdict'], 'wallMs')} (${sum(total, ['untouched', 'verdict'], 'cpuMs')})`,
      waitsOf(total),
    ],
  ];
}

function waitsOf({ programs }: Timing): string {
  const all = Object.values(programs).reduce((sum, ms) => sum + ms, 0);
  return Object.entries(programs)
    .filter(([name, ms]) => WAITS.test(name) && ms > WORTH_NAMING * all)
    .sort(([, a], [, b]) => b - a)
    .map(([name, ms]) => `${name} ${seconds(ms)}`)
    .join(', ');
}

/** Columns as wide as what stands in them. */
export function asText(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A page for a person: what held, what did not and why, and where the time went. */
export function asMarkdown(report: Report): string {
  const { at, driver, tookMs, cpuMs, proofs, skipped } = report;
  const failed = proofs.filter(({ ok }) => !ok);
  const cell = (text: string) => text.split('\n')[0]!.replaceAll('|', '\\|');
  const table = ([head, ...rows]: string[][]) =>
    [head!, head!.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
  return [
    '# Proofs',
    `${at}, driver ${driver}: ${proofs.length - failed.length} held, ${failed.length} did not, in ${(tookMs / 60_000).toFixed(1)} min with ${seconds(cpuMs)} s of processor time.`,
    ...(failed.length > 0
      ? [
          '## What did not hold',
          ...failed.map(({ lab, what, said }) => `### ${lab}: ${what}\n\n\`\`\`\n${said}\n\`\`\``),
        ]
      : []),
    ...(skipped.length > 0 ? ['## What was passed over', skipped.map((line) => `- ${line}`).join('\n')] : []),
    '## What was seen',
    table([
      ['lab', 'run', 'held', 's', 'seen'],
      ...proofs.map(({ lab, what, ok, tookMs: ms, said }) => [lab, what, ok ? 'yes' : 'no', seconds(ms), said]),
    ]),
    '## Where the time went',
    'Seconds of wall time, added up over the runs of a lab, which overlap; processor time in brackets.',
    table(timingRows(proofs)),
    '',
  ].join('\n\n');
}
