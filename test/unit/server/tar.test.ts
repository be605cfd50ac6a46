import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { tarOf } from '#server/http/tar.ts';

const hasTar = (() => {
  try {
    execFileSync('tar', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('tarOf', () => {
  it.skipIf(!hasTar)('makes what tar reads, long names included (skipped where there is no tar)', () => {
    const long = `${'folder/'.repeat(16)}file.yaml`;
    const archive = tarOf({ 'a.txt': Buffer.from('hello'), [long]: Buffer.from('x'.repeat(1000)) }, 1_700_000_000_000);
    const list = execFileSync('tar', ['-tf', '-'], { input: archive }).toString().trim().split('\n');
    expect(list).toEqual(['a.txt', long]);
    expect(execFileSync('tar', ['-xOf', '-', 'a.txt'], { input: archive }).toString()).toBe('hello');
  });
});
