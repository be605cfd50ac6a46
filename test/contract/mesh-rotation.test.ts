import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { msOf, type Scenario, type Step, scenarios } from './rotation/scenario.ts';
import { Stage } from './rotation/stage.ts';

const all = scenarios.parse(parse(readFileSync(new URL('./rotations.yaml', import.meta.url), 'utf8')));
let stage: Stage | undefined;
afterEach(() => stage?.close());

describe('rotation scenarios', () => {
  it('are twenty or more', () => expect(all.length).toBeGreaterThanOrEqual(20));

  it.each(all.map((each) => [each.name, each] as const))(
    '%s',
    async (_, scenario) => {
      await play(scenario);
    },
    120_000,
  );
});

async function play(scenario: Scenario): Promise<void> {
  stage = await Stage.open(scenario);
  for (const [index, step] of scenario.steps.entries()) {
    try {
      await act(stage, step);
      if (step.expect) await look(stage, step.expect);
    } catch (error) {
      (error as Error).message = `step ${index + 1}${step.say ? ` (${step.say})` : ''}: ${(error as Error).message}`;
      throw error;
    }
  }
}

async function act(on: Stage, step: Step): Promise<void> {
  if (step.upgrade) {
    const ran = await on.upgrade(step.upgrade);
    if (step.upgrade.refused === undefined) expect(ran).toMatchObject({ code: 0 });
    else
      expect({ code: ran.code, refused: ran.stderr }).toEqual({
        code: 1,
        refused: expect.stringContaining(step.upgrade.refused),
      });
  }
  if (step.secret) await on.patchSecret(step.secret.crt, step.secret.key);
  if (step.roots !== undefined) await on.patchRoots(step.roots);
  for (const name of step.roll ?? []) await on.roll(name);
  if (step.restart) await on.restart(step.restart);
  if (step.identityReplicas !== undefined) await on.scaleIdentity(step.identityReplicas);
  if (step.hold) await on.hold();
  if (step.pod) await on.bare(step.pod);
  if (step.advance) await on.cluster.advanceClock(msOf(step.advance));
}

const POLL = { timeout: 20_000, interval: 100 };

async function look(on: Stage, want: NonNullable<Step['expect']>): Promise<void> {
  if (want.events) {
    const seen: string[] = [];
    await expect
      .poll(async () => {
        seen.push(...(await on.newEvents()));
        return want.events!.filter((each) => !seen.some((event) => event.includes(each)));
      }, POLL)
      .toEqual([]);
    if (want.events.length === 0) expect(seen).toEqual([]);
  }
  for (const [name, state] of Object.entries(want.pods ?? {}))
    await expect.poll(() => on.podState(name), POLL).toBe(state);
  for (const [name, signer] of Object.entries(want.leaves ?? {})) {
    await expect
      .poll(async () => on.signerOf(await on.leaf(name)), { ...POLL, message: `leaf of ${name}` })
      .toBe(signer);
  }
  for (const [name, current] of Object.entries(want.current ?? {})) {
    const until = Date.parse((await on.leaf(name)).validTo);
    expect([name, on.cluster.clock.now() < until]).toEqual([name, current]);
  }
  for (const [name, anchors] of Object.entries(want.bundles ?? {}))
    expect([name, await on.bundle(name)]).toEqual([name, anchors]);
  if (want.requests) {
    const statuses = await on.requests();
    const good = want.requests === 'ok' ? ['204'] : ['502', '503', '504', '000'];
    expect({ requests: want.requests, others: statuses.filter((each) => !good.includes(each)) }).toEqual({
      requests: want.requests,
      others: [],
    });
  }
  if (want.check) {
    const ran = await on.check();
    for (const line of want.check.says) expect(ran.stdout).toContain(line);
    if (want.check.clean) expect(ran.stdout.split('\n').filter((line) => /^[‼×]/.test(line))).toEqual([]);
    expect(ran.code).toBe(want.check.exit);
  }
  if (want.identity !== undefined) await expect.poll(() => on.identityLog(), POLL).toContain(want.identity);
}
