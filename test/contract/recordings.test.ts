import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { officialKubectl, whyNoKubectl } from '../support/official-kubectl.ts';
import { alike, DIFFERENT, recordedCommands, whyNoRecordings } from './support/recorded.ts';
import { type RunningCluster, runCluster } from './support/running.ts';

const why = whyNoKubectl ?? whyNoRecordings;

/** A session with the official kubectl against a real cluster, replayed in order against an embedded one. */
describe.skipIf(why !== undefined)(`recorded kubectl commands${why ? ` (skipped: ${why})` : ''}`, () => {
  let running: RunningCluster;
  const recorded = why ? [] : recordedCommands();

  beforeAll(async () => {
    running = await runCluster(createEmbeddedDriver(), officialKubectl());
  });
  afterAll(() => running?.close());

  it.each(recorded.map((each, index) => ({ ...each, index })))('$index: $command', async (each) => {
    const answer = await running.bash(each.command, { timeoutMs: 60_000 });
    const got = { exit: answer.code, stdout: alike(answer.stdout), stderr: alike(answer.stderr) };
    const wanted = { exit: each.exit, stdout: alike(each.stdout), stderr: alike(each.stderr) };
    if (each.command in DIFFERENT) expect(got, DIFFERENT[each.command]).not.toEqual(wanted);
    else expect(got).toEqual(wanted);
  });
});
