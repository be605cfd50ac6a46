import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Case, cases } from './scripts.ts';
import { makeShell, runIn } from './world.ts';

const bash = spawnSync('bash', ['-c', 'echo ${BASH_VERSINFO[0]}'], { encoding: 'utf8' });
const hasBash = bash.status === 0 && Number(bash.stdout) >= 5;

describe('scripts', () => {
  test.each(cases)('$name', async ({ script, stdin, files, stdout, stderr, code }) => {
    const { shell } = await makeShell(files ? { files } : {});
    const outcome = await runIn(shell, script, stdin);
    shell.close();
    expect(outcome).toEqual({ stdout: stdout ?? '', stderr: stderr ?? '', code: code ?? 0 });
  });
});

describe.skipIf(!hasBash)('the table agrees with the installed bash', () => {
  test.each(cases.filter((each) => each.differs === undefined))('$name', (each) => {
    expect(runRealBash(each)).toEqual({ stdout: each.stdout ?? '', stderr: each.stderr ?? '', code: each.code ?? 0 });
  });
});

function runRealBash({ script, stdin, files }: Case) {
  const folder = mkdtempSync(join(tmpdir(), 'shell-'));
  try {
    for (const [name, content] of Object.entries(files ?? {})) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    // The script comes by -c with its name as $0, so that the folder holds only what the case put there.
    const env = { HOME: folder, PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' };
    const { stdout, stderr, status } = spawnSync('bash', ['-c', script, 't.sh'], {
      cwd: folder,
      input: stdin ?? '',
      encoding: 'utf8',
      env,
    });
    return { stdout, stderr: stderr.replaceAll('t.sh: -c: line', 't.sh: line'), code: status };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
