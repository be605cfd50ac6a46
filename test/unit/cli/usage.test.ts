import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../../src/cli/root.ts';

function academy(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'src/cli/academy.ts'), ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('academy, asked and misspelt', () => {
  test('--help of a command prints what it takes', () => {
    const { status, stdout } = academy('cluster', 'up', '--help');
    expect(status).toBe(0);
    expect(stdout).toContain('academy cluster up [--name NAME]');
  });

  test('an option that is not known is named, with the usage and without a stack trace', () => {
    const { status, stderr } = academy('prove', '--every');
    expect(status).toBe(2);
    expect(stderr).toContain("Unknown option '--every'");
    expect(stderr).toContain('academy prove --all');
    expect(stderr).not.toContain('node:internal');
  });

  test('a command that is not there says how to find those that are', () => {
    const { status, stderr } = academy('proof');
    expect(status).toBe(2);
    expect(stderr).toContain('There is no command "proof". `npx academy help` lists them.');
  });
});
