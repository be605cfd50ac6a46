import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { officialKubectl, whyNoKubectl } from '../support/official-kubectl.ts';
import { type RunningCluster, runCluster } from './support/running.ts';

const RECORDINGS = resolve(import.meta.dirname, '../../../shared/facts/recordings/kubectl.json');

interface Recorded {
  command: string;
  exit: number;
  stdout: string;
  stderr: string;
}

/** Recorded commands that answer differently here, with the reason. Everything else must be alike. */
const DIFFERENT: Record<string, string> = {
  'kubectl -n shop logs deploy/web | head -3':
    'the stand-in that was on the recorded node printed nothing; http-echo says that it listens',
};

/** What differs from run to run: ids, addresses, name suffixes, ages, and how often a rollout was looked at. */
const ASIDE: [RegExp, string][] = [
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b[0-9a-f]{64}\b/g, '<id>'],
  [/\b10\.(96|244)\.\d+\.\d+\b/g, '<ip>'],
  [/\b(web)-[a-z0-9]{8,10}-[a-z0-9]{5}\b/g, '$1-<hash>-<suffix>'],
  [/\b(web)-[a-z0-9]{8,10}\b/g, '$1-<hash>'],
  [/\b(web|once)-[a-z0-9]{5}\b/g, '$1-<suffix>'],
  [/pod-template-hash=\w+/g, 'pod-template-hash=<hash>'],
  [/(?<![\w.:-])\d+(m\d+s|s|m)(?![\w:-])/g, '<age>'],
  [/^Waiting for deployment .*\n/gm, ''],
  [/ +/g, ' '],
];

const alike = (text: string): string => ASIDE.reduce((so, [pattern, word]) => so.replaceAll(pattern, word), text);

const why = whyNoKubectl ?? (existsSync(RECORDINGS) ? undefined : 'the recordings are not beside this checkout');

/** A session with the official kubectl against a real cluster, replayed in order against an embedded one. */
describe.skipIf(why !== undefined)(`recorded kubectl commands${why ? ` (skipped: ${why})` : ''}`, () => {
  let running: RunningCluster;
  const recorded = why ? [] : (JSON.parse(readFileSync(RECORDINGS, 'utf8')) as Recorded[]);

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
