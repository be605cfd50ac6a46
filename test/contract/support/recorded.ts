import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const RECORDINGS = resolve(import.meta.dirname, '../../../../shared/facts/recordings/kubectl.json');

/** A command of a session with the official kubectl on a real cluster. */
export interface Recorded {
  command: string;
  exit: number;
  stdout: string;
  stderr: string;
}

export const whyNoRecordings: string | undefined = existsSync(RECORDINGS)
  ? undefined
  : 'the recordings are not beside this checkout';

export const recordedCommands = (): Recorded[] => JSON.parse(readFileSync(RECORDINGS, 'utf8')) as Recorded[];

/** Recorded commands that answer differently here, with the reason. Everything else must be alike. */
export const DIFFERENT: Record<string, string> = {
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

export const alike = (text: string): string =>
  ASIDE.reduce((so, [pattern, word]) => so.replaceAll(pattern, word), text);
