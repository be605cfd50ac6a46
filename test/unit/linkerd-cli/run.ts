import { existsSync, readFileSync } from 'node:fs';
import { InMemoryFs } from 'just-bash';
import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { CommandContext } from '#shell/command.ts';
import { createLinkerd } from '#terminal/linkerd/command.ts';

export interface Ran {
  stdout: string;
  stderr: string;
  code: number;
}

/** Runs a command line of `linkerd` (its words without the program) and collects what it printed. */
export async function linkerd(
  options: { client: KubeClient; clock: Clock; files?: Record<string, string>; stdin?: string },
  ...args: string[]
): Promise<Ran> {
  const fs = new InMemoryFs();
  await fs.mkdir('/home', { recursive: true });
  for (const [path, text] of Object.entries(options.files ?? {})) await fs.writeFile(`/home/${path}`, text);
  const printed = { stdout: '', stderr: '' };
  const writer = (name: keyof typeof printed) => ({
    write: async (text: Uint8Array | string) => {
      printed[name] += typeof text === 'string' ? text : Buffer.from(text).toString();
    },
    end: () => {},
  });
  const context: CommandContext = {
    args,
    env: {},
    cwd: '/home',
    fs,
    clock: options.clock,
    signal: new AbortController().signal,
    stdin: {
      read: async () => undefined,
      cancel: () => {},
      async *[Symbol.asyncIterator]() {
        if (options.stdin) yield Buffer.from(options.stdin);
      },
    },
    stdout: writer('stdout'),
    stderr: writer('stderr'),
    run: async () => 0,
  };
  const code = await createLinkerd({ client: options.client, clock: options.clock }).execute(context);
  return { ...printed, code };
}

export const RECORDINGS = '../shared/facts/recordings';
export const recordingsMissing = !existsSync(RECORDINGS);
if (recordingsMissing) console.warn(`skipped: recordings of the official CLI are not at ${RECORDINGS}`);

/** What a recorded command printed on stdout. */
export function recorded(name: string): Ran {
  const text = readFileSync(`${RECORDINGS}/${name}.txt`, 'utf8');
  const [, body = '', code = '0'] = /^\$ .*\n([\s\S]*?)--- exit (\d+)\s*$/.exec(text) ?? [];
  const [stdout = '', stderr = ''] = body.split('--- stderr\n');
  // The recorder puts a newline where there was no output.
  return { stdout: stdout === '\n' ? '' : stdout, stderr, code: Number(code) };
}

/** A recording with its command line. */
export function recordedText(name: string): Ran & { command: string } {
  const [first = ''] = readFileSync(`${RECORDINGS}/${name}.txt`, 'utf8').split('\n');
  return { command: first.replace(/^\$ /, ''), ...recorded(name) };
}
