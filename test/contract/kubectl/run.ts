import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { InMemoryFs } from 'just-bash';
import type { CommandContext } from '#shell/command.ts';
import { collector, readerOf } from '#shell/pipe.ts';
import { createKubectl } from '#terminal/kubectl/kubectl.ts';
import type { World } from './world.ts';

export interface Answer {
  stdout: string;
  stderr: string;
  code: number;
}

/** A kubectl in a folder of files. */
export interface Runner {
  run(words: string[], stdin?: string): Promise<Answer>;
  close(): void;
}

const LIMIT_MS = 20_000;

/** The official kubectl, in a folder of its own on the disk. */
export function officialRunner(binary: string, world: World, files: Record<string, string>): Runner {
  const home = mkdtempSync(join(tmpdir(), 'kubectl-'));
  for (const [name, text] of Object.entries({ ...files, 'home/.kube/config': world.kubeconfig })) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }
  const env = { PATH: '/usr/bin:/bin', HOME: join(home, 'home'), KUBE_EDITOR: 'false', LANG: 'C', TZ: 'UTC' };
  return {
    run: (words, stdin) =>
      new Promise((resolve, reject) => {
        const child = spawn(binary, words, { cwd: home, env, timeout: LIMIT_MS });
        let [stdout, stderr] = ['', ''];
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          stdout += text;
        });
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          stderr += text;
        });
        child.stdin.on('error', () => {});
        child.stdin.end(stdin ?? '');
        child.on('error', reject);
        child.on('close', (code) => resolve({ stdout, stderr, code: code ?? -1 }));
      }),
    close: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** The kubectl of the lab terminal, with the same files in memory. */
export function ourRunner(world: World, files: Record<string, string>): Runner {
  const fs = new InMemoryFs(
    Object.fromEntries(
      Object.entries({ ...files, 'home/.kube/config': world.kubeconfig }).map(([name, text]) => [
        `/files/${name}`,
        text,
      ]),
    ),
  );
  const kubectl = createKubectl({ client: world.client, clock: world.clock });
  return {
    async run(words, stdin) {
      const [stdout, stderr] = [collector(), collector()];
      const stop = AbortSignal.timeout(LIMIT_MS);
      const context: CommandContext = {
        args: words,
        env: { HOME: '/files/home', KUBE_EDITOR: 'false' },
        cwd: '/files',
        fs,
        clock: world.clock,
        signal: stop,
        stdin: readerOf(stdin ?? ''),
        stdout: stdout.writer,
        stderr: stderr.writer,
        run: async () => 1,
      };
      const code = await kubectl.execute(context);
      return { stdout: stdout.text(), stderr: stderr.text(), code };
    },
    close() {},
  };
}

/** Splits a command line as a shell does: quotes and backslashes, nothing else. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  const pattern = /(?:[^\s'"\\]+|'[^']*'|"(?:[^"\\]|\\.)*"|\\.)+/gs;
  for (const [raw] of line.matchAll(pattern)) {
    words.push(
      raw.replace(
        /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
        (_, single?: string, double?: string, char?: string) =>
          single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? char ?? '',
      ),
    );
  }
  return words;
}

const RULES: [RegExp, string][] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, '<time>'],
  [/\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000/g, '<time>'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \+0000(?: UTC)?/g, '<time>'],
  [/(?<![\w.:-])\d+(?:\.\d+)?(?:y\d+d|d\d+h|h\d+m|m\d+s|[ydhms])(?![\w:-])/g, '<age>'],
  [/\/tmp\/(?:kubectl-\w+|LIVE-\d+|MERGED-\d+)/g, '<folder>'],
  [/\/files\b/g, '<folder>'],
  [/https:\/\/127\.0\.0\.1:\d+/g, '<server>'],
  [/127\.0\.0\.1:\d+/g, '<server>'],
  [/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>'],
];

/** An answer without what differs from run to run: instants, ages, ids, folders. */
export function normalise(text: string): string {
  return RULES.reduce((so, [pattern, word]) => so.replaceAll(pattern, word), text);
}
