import { describe, expect, it } from 'vitest';
import { asMarkdown, asText, timingRows } from '../../../src/cli/prove/report.ts';
import { Stopwatch, sumOf } from '../../../src/cli/prove/timing.ts';

describe('the time of a run', () => {
  it('belongs to the part that ended with it, processor time as well', async () => {
    let cpu = 100;
    const watch = new Stopwatch(async () => cpu);
    cpu = 150;
    watch.ended('mesh');
    cpu = 170;
    watch.ended('script');
    cpu = 180;
    watch.ended('mesh');
    watch.ran('sleep', 1_000);
    watch.ran('sleep', 500);
    const { phases, programs } = await watch.timing();
    expect([phases.mesh?.cpuMs, phases.script?.cpuMs]).toEqual([60, 20]);
    expect(programs).toEqual({ sleep: 1_500 });
  });

  it('is known up to there when its thread is gone', async () => {
    let gone = false;
    const watch = new Stopwatch(async () => {
      if (gone) throw new Error('gone');
      return 70;
    });
    watch.ended('script');
    gone = true;
    watch.ended('end');
    expect((await watch.timing()).phases.end?.cpuMs).toBe(0);
  });
});

const timing = {
  phases: { mesh: { wallMs: 2_000, cpuMs: 500 }, script: { wallMs: 8_000, cpuMs: 1_000 } },
  programs: { 'kubectl rollout status': 6_000, 'kubectl apply': 300 },
};
const proofs = [
  { lab: 'one', what: 'solution', ok: true, said: 'all green', tookMs: 10_000, timing },
  { lab: 'one', what: 'a.sh', ok: false, said: 'x turned green\n    x passed: |', tookMs: 10_000, timing },
];

describe('a report', () => {
  it('adds up runs of a lab and names what they waited for', () => {
    expect(sumOf([timing, timing]).programs['kubectl rollout status']).toBe(12_000);
    const [head, one, all] = timingRows(proofs);
    expect(head).toHaveLength(one!.length);
    expect(one).toEqual([
      'one',
      '2',
      '20.0',
      '3.0',
      '4.0 (1.0)',
      '16.0 (2.0)',
      '0.0 (0.0)',
      'kubectl rollout status 12.0',
    ]);
    expect(all![0]).toBe('all');
    expect(asText([head!, one!]).split('\n')).toHaveLength(2);
  });

  it('is a page that says what did not hold', () => {
    const at = '2026-01-01T00:00:00Z';
    const page = asMarkdown({
      at,
      driver: 'kind',
      tookMs: 60_000,
      cpuMs: 3_000,
      proofs,
      skipped: ['two is not for kind'],
    });
    expect(page).toContain('1 held, 1 did not, in 1.0 min with 3.0 s of processor time');
    expect(page).toContain('### one: a.sh');
    expect(page).toContain('## What was passed over\n\n- two is not for kind\n');
    expect(page).toContain('| one | a.sh | no | 10.0 | x turned green |');
  });
});
