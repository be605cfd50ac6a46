import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verifyChain } from '../../../src/pki/verify.ts';
import { createStep } from '../../../src/terminal/step/step.ts';
import { bench, NOW, noNetwork } from './bench.ts';

const PLAIN = '--no-password --insecure';

function place(files: Record<string, string> = {}) {
  const at = bench({ files });
  const step = createStep({ clock: at.clock, dial: noNetwork });
  const run = (line: string, input?: string) =>
    at.run(
      step,
      line.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', '')),
      input,
    );
  const ok = async (line: string, input?: string) => {
    const result = await run(line, input);
    expect(result, line).toMatchObject({ code: 0 });
    return result;
  };
  return { ...at, step: run, ok };
}

async function withChain() {
  const at = place();
  await at.ok(`certificate create root.example root.crt root.key --profile root-ca ${PLAIN}`);
  await at.ok(
    `certificate create issuer.example issuer.crt issuer.key --profile intermediate-ca --ca root.crt --ca-key root.key --not-after 8760h ${PLAIN}`,
  );
  await at.ok(`certificate create web.example web.crt web.key --ca issuer.crt --ca-key issuer.key ${PLAIN}`);
  return at;
}

describe('step certificate create', () => {
  it('makes a root, an issuer and a leaf that verify', async () => {
    const at = await withChain();
    const [root, issuer, web] = await Promise.all(['root', 'issuer', 'web'].map((name) => at.read(`${name}.crt`)));
    expect(
      verifyChain({
        chain: [web!, issuer!],
        anchors: [root!],
        at: NOW,
        anchorDates: 'check',
        dnsName: 'web.example',
        usage: 'serverAuth',
      }),
    ).toMatchObject({ ok: true });
  });

  it('says where it saved them, on standard error', async () => {
    const at = place();
    expect(await at.step(`certificate create root.example ca.crt ca.key --profile root-ca ${PLAIN}`)).toEqual({
      code: 0,
      out: '',
      err: 'Your certificate has been saved in ca.crt.\nYour private key has been saved in ca.key.\n',
    });
    expect(await at.read('ca.key')).toMatch(/^-----BEGIN EC PRIVATE KEY-----/);
    expect((await at.workspace.fs.stat('/home/learner/ca.key')).mode).toBe(0o600);
  });

  it('counts durations from the cluster’s clock', async () => {
    const at = place();
    await at.clock.advance(90 * 86_400_000);
    await at.ok(`certificate create r ca.crt ca.key --profile root-ca --not-before -1h --not-after 2h30m ${PLAIN}`);
    const { out } = await at.ok('certificate inspect ca.crt --short');
    expect(out).toContain('Valid from:  2026-05-30T11:00:00Z\n          to:  2026-05-30T14:30:00Z');
  });

  it('takes times as well', async () => {
    const at = place();
    await at.ok(
      `certificate create r ca.crt ca.key --profile root-ca --not-before 2026-01-01T00:00:00Z --not-after=2027-01-01T00:00:00+01:00 ${PLAIN}`,
    );
    expect((await at.ok('certificate inspect ca.crt')).out).toContain(
      'Not Before: Jan 1 00:00:00 2026 UTC\n            Not After : Dec 31 23:00:00 2026 UTC',
    );
  });

  it('bundles the issuer behind a leaf', async () => {
    const at = await withChain();
    await at.ok(`certificate create api api.crt api.key --ca issuer.crt --ca-key issuer.key --bundle ${PLAIN}`);
    expect((await at.ok('certificate inspect api.crt --short --bundle')).out.match(/X\.509v3/g)).toHaveLength(2);
    await at.ok('certificate verify api.crt --roots root.crt');
  });

  it('encrypts the key with a password', async () => {
    const at = place({ pass: 'secret\n', wrong: 'no\n' });
    await at.ok('certificate create root ca.crt ca.key --profile root-ca --password-file pass');
    const key = await at.read('ca.key');
    expect(key).toContain('Proc-Type: 4,ENCRYPTED');
    expect(() => createPrivateKey({ key, passphrase: 'secret' })).not.toThrow();
    await at.ok(
      `certificate create i i.crt i.key --profile intermediate-ca --ca ca.crt --ca-key ca.key --ca-password-file pass ${PLAIN}`,
    );
    expect(
      await at.step(
        `certificate create j j.crt j.key --profile intermediate-ca --ca ca.crt --ca-key ca.key --ca-password-file wrong ${PLAIN}`,
      ),
    ).toMatchObject({ code: 1, err: 'error decrypting ca.key: x509: decryption password incorrect\n' });
  });

  it('makes a request, and signs it', async () => {
    const at = await withChain();
    await at.ok(`certificate create api.example api.csr api.key --csr --san api.example --san 10.0.0.9 ${PLAIN}`);
    expect((await at.ok('certificate inspect api.csr --short')).out).toBe(
      'X.509v3 Certificate Signing Request (ECDSA P-256)\n  Subject:     api.example\n               10.0.0.9\n',
    );
    const { out } = await at.ok('certificate sign api.csr issuer.crt issuer.key --not-after 1h --bundle');
    at.workspace.write('api.crt', out);
    await at.ok('certificate verify api.crt --roots root.crt --host api.example --verbose');
  });

  it.each([
    [`certificate create a a.crt a.key --no-password`, "flag '--no-password' requires the '--insecure' flag"],
    [
      `certificate create a a.crt a.crt ${PLAIN}`,
      "positional arguments <<crt-file>> and <<key-file>> cannot be equal in 'step certificate create <subject> <crt-file> <key-file>'",
    ],
    [
      `certificate create a ${PLAIN}`,
      "not enough positional arguments were provided in 'step certificate create <subject> <crt-file> <key-file>'",
    ],
    [
      `certificate create a b c d ${PLAIN}`,
      "too many positional arguments were provided in 'step certificate create <subject> <crt-file> <key-file>'",
    ],
    [`certificate create a a.crt a.key ${PLAIN}`, "'--profile leaf' requires the '--ca' flag"],
    [
      `certificate create a a.crt a.key --profile root-ca --ca x ${PLAIN}`,
      "flag '--ca' is incompatible with flag '--profile root-ca'",
    ],
    [
      `certificate create a a.crt a.key --profile nope ${PLAIN}`,
      "invalid value 'nope' for flag '--profile'; options are leaf, intermediate-ca, root-ca, self-signed",
    ],
    [
      `certificate create a a.crt a.key --profile self-signed ${PLAIN}`,
      "'--profile self-signed' requires the '--subtle' flag",
    ],
    [
      `certificate create a a.crt a.key --profile root-ca --not-after 10y ${PLAIN}`,
      "invalid value '10y' for flag '--not-after'",
    ],
    [
      `certificate create a a.crt a.key --profile root-ca --not-after -1h ${PLAIN}`,
      "invalid value '-1h' for flag '--not-after': certificate is already expired",
    ],
    [
      `certificate create a a.crt a.key --profile root-ca --kty RSA --size 1024 --no-password`,
      "flag '--no-password' requires the '--insecure' flag",
    ],
    [
      `certificate create a a.crt a.key --profile root-ca --curve P-256 ${PLAIN}`,
      "flag '--curve' requires the '--kty' flag",
    ],
    [
      `certificate create a a.crt a.key --template x ${PLAIN}`,
      "flag '--template' is not available here: use '--profile' and '--san'",
    ],
    [`certificate create a a.crt a.key --nope ${PLAIN}`, 'flag provided but not defined: -nope'],
    [
      `certificate create a a.crt a.key --ca nope.crt --ca-key nope.key ${PLAIN}`,
      'open nope.crt failed: no such file or directory',
    ],
    [
      `certificate create a a.crt a.key --profile root-ca`,
      'error reading password: error allocating terminal: open /dev/tty: no such device or address',
    ],
    [
      'certificate p12 x',
      'step certificate p12 is not available here: PKCS#12 files are not made here; PEM is what Linkerd and Kubernetes read',
    ],
    [
      'ca init',
      'step ca is not available here: there is no step-ca in the labs; certificates are made with `step certificate create`',
    ],
    ['certificate nope', "'nope' is not a step certificate command here. See 'step help'."],
  ])('%s is refused', async (line, message) => {
    const at = place();
    expect(await at.step(line)).toEqual({ code: 1, out: '', err: `${message}\n` });
  });

  it('refuses the key of another certificate', async () => {
    const at = await withChain();
    expect(
      await at.step(
        `certificate create x x.crt x.key --profile intermediate-ca --ca root.crt --ca-key issuer.key ${PLAIN}`,
      ),
    ).toMatchObject({
      code: 1,
      err: "error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey\n",
    });
  });

  it('does not replace a file unless told to', async () => {
    const at = await withChain();
    const before = await at.read('root.crt');
    const again = 'certificate create other root.crt root.key --profile root-ca --no-password --insecure';
    expect(await at.step(again)).toMatchObject({ code: 1 });
    expect(await at.read('root.crt')).toBe(before);
    await at.ok(`${again} --force`);
    expect(await at.read('root.crt')).not.toBe(before);
  });
});

describe('step certificate', () => {
  it('verifies by the cluster’s clock, in Go’s words', async () => {
    const at = await withChain();
    at.workspace.write('chain.crt', (await at.read('web.crt')) + (await at.read('issuer.crt')));
    expect(await at.step('certificate verify chain.crt --roots root.crt')).toEqual({ code: 0, out: '', err: '' });
    expect((await at.step('certificate verify web.crt --roots root.crt')).err).toBe(
      'failed to verify certificate: x509: certificate signed by unknown authority\n',
    );
    await at.ok(
      'certificate create root.example same-name.crt same-name.key --profile root-ca --no-password --insecure',
    );
    expect((await at.step('certificate verify chain.crt --roots same-name.crt')).err).toBe(
      'failed to verify certificate: x509: certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "root.example")\n',
    );
    expect((await at.step('certificate verify chain.crt --roots root.crt --host nope')).err).toBe(
      'failed to verify certificate: x509: certificate is valid for web.example, not nope\n',
    );
    await at.clock.advance(25 * 3_600_000);
    expect((await at.step('certificate verify chain.crt --roots root.crt')).err).toBe(
      'failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-03-02T13:00:00Z is after 2026-03-02T12:00:00Z\n',
    );
  });

  it('holds an issuer to its path length', async () => {
    const at = await withChain();
    await at.ok(
      `certificate create second second.crt second.key --profile intermediate-ca --ca issuer.crt --ca-key issuer.key ${PLAIN}`,
    );
    await at.ok(`certificate create deep deep.crt deep.key --ca second.crt --ca-key second.key ${PLAIN}`);
    const chain = await Promise.all(['deep', 'second', 'issuer'].map((name) => at.read(`${name}.crt`)));
    at.workspace.write('deep-chain.crt', chain.join(''));
    expect((await at.step('certificate verify deep-chain.crt --roots root.crt')).err).toBe(
      'failed to verify certificate: x509: too many intermediates for path length constraint\n',
    );
  });

  it('knows when a certificate needs to be renewed', async () => {
    const at = await withChain();
    expect(await at.step('certificate needs-renewal web.crt')).toEqual({ code: 1, out: '', err: '' });
    expect((await at.step('certificate needs-renewal web.crt --expires-in 25h --verbose')).out).toBe(
      'certificate needs renewal\n',
    );
    await at.clock.advance(16 * 3_600_000);
    expect((await at.step('certificate needs-renewal web.crt')).code).toBe(0);
    expect((await at.step('certificate needs-renewal nope.crt')).code).toBe(2);
    expect((await at.step('certificate needs-renewal root.key')).code).toBe(255);
    expect((await at.step('certificate needs-renewal web.crt --expires-in 101%')).code).toBe(255);
  });

  it('reads from standard input', async () => {
    const at = await withChain();
    const pem = await at.read('web.crt');
    const { out } = await at.ok('certificate fingerprint -', pem);
    expect(out).toBe((await at.ok('certificate fingerprint web.crt')).out);
    expect((await at.ok('certificate inspect --short', pem)).out).toContain('web.example');
  });

  it('prints JSON that jq can use', async () => {
    const at = await withChain();
    const json = JSON.parse((await at.ok('certificate inspect web.crt --format json')).out);
    expect(json).toMatchObject({
      version: 3,
      issuer_dn: 'CN=issuer.example',
      subject: { common_name: ['web.example'] },
      validity: { start: '2026-03-01T12:00:00Z', end: '2026-03-02T12:00:00Z', length: 86_400 },
      extensions: {
        subject_alt_name: { dns_names: ['web.example'] },
        extended_key_usage: { server_auth: true, client_auth: true },
      },
    });
    const both = JSON.parse((await at.ok('certificate inspect root.crt --format json --bundle')).out);
    expect(both.extensions.basic_constraints).toEqual({ is_ca: true, max_path_len: 1 });
  });

  it.each([
    ['certificate inspect nope.crt', 'error reading file nope.crt: open nope.crt failed: no such file or directory'],
    [
      'certificate inspect web.key',
      'file web.key does not contain any valid CERTIFICATE or CERTIFICATE REQUEST blocks',
    ],
    [
      'certificate inspect web.crt --format yaml',
      "invalid value 'yaml' for flag '--format'; options are text, json, pem",
    ],
    ['certificate inspect web.crt --short --format json', "flag '--short' is incompatible with '--format json'"],
    [
      'certificate sign web.crt issuer.crt issuer.key',
      'error parsing web.crt: does not contain a valid PEM encoded certificate request',
    ],
    ['certificate fingerprint web.crt --sha1', "flag '--sha' requires the '--insecure' flag"],
  ])('%s says what is wrong', async (line, message) => {
    const at = await withChain();
    expect(await at.step(line)).toEqual({ code: 1, out: '', err: `${message}\n` });
  });

  it('reads a broken PEM as none', async () => {
    const at = await withChain();
    const pem = await at.read('web.crt');
    at.workspace.write('cut.crt', pem.replace(/=*\n-----END/, '!\n-----END'));
    expect((await at.step('certificate inspect cut.crt')).err).toBe(
      'file cut.crt does not contain any valid CERTIFICATE or CERTIFICATE REQUEST blocks\n',
    );
  });

  it('bundles, and prints public keys', async () => {
    const at = await withChain();
    await at.ok('certificate bundle web.crt issuer.crt bundle.crt');
    await at.ok('certificate verify bundle.crt --roots root.crt');
    const { out } = await at.ok('certificate key web.crt');
    expect((await at.ok('certificate key web.key')).out).toBe(out);
  });

  it('makes key pairs and reads tokens', async () => {
    const at = place();
    await at.ok(`crypto keypair k.pub k.priv --kty EC --curve P-384 ${PLAIN}`);
    expect(await at.read('k.pub')).toContain('BEGIN PUBLIC KEY');
    const token = [{ alg: 'none' }, { sub: 'web' }].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const { out } = await at.ok('crypto jwt inspect --insecure', `${token.join('.')}.c2ln\n`);
    expect(JSON.parse(out)).toEqual({ header: { alg: 'none' }, payload: { sub: 'web' }, signature: 'c2ln' });
  });

  it('explains itself', async () => {
    const at = place();
    expect((await at.ok('help')).out).toContain('certificate create');
    expect((await at.ok('certificate create --help')).out).toContain('--profile=<value>');
    expect((await at.ok('certificate create --help')).out).not.toContain('not available');
  });
});
