import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { InMemoryFs } from 'just-bash';
import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { collector, readerOf } from '#shell/pipe.ts';
import { standardPrograms } from '#shell/programs/programs.ts';
import { createShell } from '#shell/shell.ts';
import { createKubectl } from '#terminal/kubectl/kubectl.ts';
import { createLinkerd } from '#terminal/linkerd/command.ts';

export interface Answer {
  stdout: string;
  stderr: string;
  code: number;
}

/** A bash with `linkerd` and `kubectl` in it, in a folder of its own. */
export interface Desk {
  run(line: string, stdin?: string): Promise<Answer>;
  close(): void;
}

const LIMIT_MS = 90_000;

/** The official programs, in a folder on the disk. */
export function officialDesk(
  programs: { linkerd: string; kubectl: string },
  kubeconfig: string,
  files: Record<string, string>,
): Desk {
  const folder = mkdtempSync(join(tmpdir(), 'linkerd-'));
  for (const [name, text] of Object.entries({ ...files, 'home/.kube/config': kubeconfig })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const path = [dirname(programs.linkerd), dirname(programs.kubectl), '/usr/bin', '/bin'].join(delimiter);
  const env = { PATH: path, HOME: join(folder, 'home'), LANG: 'C', TZ: 'UTC' };
  return {
    run: (line, stdin = '') =>
      new Promise((resolve, reject) => {
        const child = spawn('bash', ['-c', line], { cwd: folder, env, timeout: LIMIT_MS });
        let [stdout, stderr] = ['', ''];
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          stdout += text;
        });
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          stderr += text;
        });
        child.stdin.on('error', () => {});
        child.stdin.end(stdin);
        child.on('error', reject);
        child.on('close', (code) => resolve({ stdout, stderr, code: code ?? -1 }));
      }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The programs of the lab terminal, with the same files in memory. */
export function ourDesk(
  { client, clock }: { client: KubeClient; clock: Clock },
  kubeconfig: string,
  files: Record<string, string>,
): Desk {
  const all = Object.entries({ ...files, 'home/.kube/config': kubeconfig });
  const fs = new InMemoryFs(Object.fromEntries(all.map(([name, text]) => [`/files/${name}`, text])));
  const ours = [createKubectl({ client, clock }), createLinkerd({ client, clock })];
  const commands = new Map([...standardPrograms(), ...ours].map((each) => [each.name, each]));
  const shell = createShell({ fs, clock, env: { HOME: '/files/home' }, cwd: '/files', commands });
  return {
    async run(line, stdin = '') {
      const [stdout, stderr] = [collector(), collector()];
      const stdio = { stdin: readerOf(stdin), stdout: stdout.writer, stderr: stderr.writer };
      const code = await shell.run(line, stdio, AbortSignal.timeout(LIMIT_MS));
      return { stdout: stdout.text(), stderr: stderr.text(), code };
    },
    close: () => shell.close(),
  };
}
