import { describe, expect, it } from 'vitest';
import { nextHint } from '#grader/hints.ts';
import { CertificateNames } from '#grader/names.ts';
import { selectsPod } from '#grader/probes/mesh.ts';
import { ageOf } from '#grader/words.ts';
import type { CertificateInfo } from '#schema/evidence.ts';

const certificate = (fingerprint: string): CertificateInfo => ({
  fingerprint,
  subject: `CN=${fingerprint}`,
  issuer: 'CN=root',
  serial: '1',
  dnsNames: [],
  notBefore: 0,
  notAfter: 1,
  isCa: true,
});

describe('CertificateNames', () => {
  it('numbers certificates in the order of their appearance and keeps the number, also when saved', () => {
    const names = new CertificateNames();
    expect(names.name('issuer', certificate('aa')).label).toBe('issuer 1');
    expect(names.name('issuer', certificate('bb')).label).toBe('issuer 2');
    expect(names.name('issuer', certificate('aa')).label).toBe('issuer 1');
    expect(names.name('anchor', certificate('aa')).label).toBe('anchor 1');
    const again = new CertificateNames(names.save());
    expect(again.byReference('issuer-2')?.fingerprint).toBe('bb');
    expect(again.name('issuer', certificate('cc')).label).toBe('issuer 3');
    expect(again.byReference('issuer-9')).toBeUndefined();
  });
});

describe('selectsPod', () => {
  const pod = { namespace: 'shop', name: 'web-5746d4579f-j8cb4', workload: 'deployment/web' };
  it.each([
    ['shop/*', true],
    ['shop/web', true],
    ['shop/web-5746d4579f-j8cb4', true],
    ['shop/we', false],
    ['other/*', false],
    ['*', true],
    ['other/*,shop/web', true],
  ])('%s: %s', (pattern, expected) => {
    expect(selectsPod(pattern, pod)).toBe(expected);
  });
});

describe('nextHint', () => {
  const hints = [
    { when: { check: 'certificate', saw: 'signedBy issuer-1' }, say: 'restarted too early?' },
    'first',
    'second',
  ];
  it('passes over a hint whose condition does not hold, and comes back to it when it does', () => {
    expect(nextHint(hints, [], 'certificate', [])).toBe('first');
    expect(nextHint(hints, ['first'], 'certificate', ['signedBy issuer-1'])).toBe('restarted too early?');
    expect(nextHint(hints, ['first', 'second'], 'certificate', [])).toBeUndefined();
  });
});

describe('ageOf', () => {
  it.each([
    [14_200, '14 s'],
    [119_000, '119 s'],
    [180_000, '3 min'],
    [5 * 3_600_000, '5 h'],
    [3 * 86_400_000, '3 d'],
    [-5, '0 s'],
  ])('%d ms is %s', (ms, words) => expect(ageOf(ms)).toBe(words));
});
