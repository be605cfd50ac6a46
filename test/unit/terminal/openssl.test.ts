import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOpenssl } from '../../../src/terminal/openssl/openssl.ts';
import { createStep } from '../../../src/terminal/step/step.ts';
import { bench, noNetwork, type Result } from './bench.ts';

const hasOpenssl = spawnSync('openssl', ['version']).stdout?.toString().startsWith('OpenSSL 3.0') ?? false;

const place = bench({
  now: Date.now(),
  files: {
    'ext.cnf':
      'basicConstraints=critical,CA:TRUE,pathlen:3\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nsubjectAltName=DNS:a.example,IP:10.0.0.1,IP:fd00::1,URI:spiffe://root/ns/x,email:a@b.c\nextendedKeyUsage=serverAuth,1.2.3.4\n',
    'req.cnf':
      '[req]\ndistinguished_name = dn\nprompt = no\nreq_extensions = v3\n[dn]\nC = DE\nO = Example, Inc.\nCN = configured\n[v3]\nsubjectAltName = @names\n[names]\nDNS.1 = one.example\nIP.1 = 192.0.2.1\n',
    'broken.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    'text.txt': 'some text\n',
  },
});
const openssl = createOpenssl({ clock: place.clock, dial: noNetwork });
const step = createStep({ clock: place.clock, dial: noNetwork });
const ours = (line: string, input?: string): Promise<Result> => place.run(openssl, words(line), input);
const words = (line: string): string[] =>
  (line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^["']|["']$/g, ''));

let folder = '';
/** The real one, on the same files. */
const theirs = (line: string, input = ''): Result => {
  const { status, stdout, stderr } = spawnSync('openssl', words(line), { cwd: folder, input });
  return { code: status ?? -1, out: stdout.toString(), err: stderr.toString() };
};
async function copyOut(): Promise<void> {
  for (const { path, content } of place.workspace.list()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openssl-'));
  const make = async (line: string) => {
    const { code, err } = await place.run(step, words(line));
    if (code !== 0) throw new Error(err);
  };
  const ok = async (line: string) => {
    const { code, err } = await ours(line);
    if (code !== 0) throw new Error(`${line}: ${err}`);
  };
  await make('certificate create root.example root.crt root.key --profile root-ca --no-password --insecure');
  await make(
    'certificate create issuer.example issuer.crt issuer.key --profile intermediate-ca --ca root.crt --ca-key root.key --no-password --insecure --not-after 48h',
  );
  await make(
    'certificate create web.example web.crt web.key --ca issuer.crt --ca-key issuer.key --san web.example --san 10.1.2.3 --san spiffe://x/y --no-password --insecure',
  );
  await make(
    'certificate create rsa.example rsa.crt rsa.key --profile root-ca --kty RSA --size 2048 --no-password --insecure',
  );
  await make(
    'certificate create p384.example p384.crt p384.key --profile root-ca --kty EC --curve P-384 --no-password --insecure',
  );
  await make('certificate create ed.example ed.crt ed.key --profile root-ca --kty OKP --no-password --insecure');
  await make('certificate create other.example other.crt other.key --profile root-ca --no-password --insecure');
  await make('certificate create asked asked.csr asked.key --csr --san asked.example --no-password --insecure');
  await ok('req -new -key web.key -config req.cnf -out configured.csr');
  await ok('req -new -key rsa.key -subj "/C=DE/O=Example, Inc./CN=plain +1" -out plain.csr');
  await ok(
    'x509 -req -in plain.csr -CA rsa.crt -CAkey rsa.key -days 3 -set_serial 0x1234 -extfile ext.cnf -out many.crt',
  );
  await ok('x509 -req -in plain.csr -signkey rsa.key -days 3 -out v1.crt');
  await ok(
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout self.key -subj /CN=self -days 5 -addext subjectAltName=DNS:self.example -out self.crt',
  );
  await place.workspace.write('chain.crt', (await place.read('web.crt')) + (await place.read('issuer.crt')));
  await copyOut();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const certificates = ['root', 'issuer', 'web', 'rsa', 'p384', 'ed', 'many', 'v1', 'self'];

describe.skipIf(!hasOpenssl)('compared with OpenSSL 3.0 on this machine', () => {
  it.each(certificates)('x509 -text of %s.crt', async (name) => {
    const line = `x509 -in ${name}.crt -noout -text`;
    expect(await ours(line)).toEqual(theirs(line));
  });

  it.each([
    'x509 -in many.crt -noout -subject -issuer -serial -dates',
    'x509 -in many.crt -noout -enddate -startdate',
    'x509 -in many.crt -noout -fingerprint',
    'x509 -in many.crt -noout -fingerprint -sha256',
    'x509 -in many.crt -noout -email -hash -issuer_hash',
    'x509 -in many.crt -noout -modulus',
    'x509 -in web.crt -noout -modulus -pubkey',
    'x509 -in web.crt -noout -ext subjectAltName,keyUsage,extendedKeyUsage',
    'x509 -in web.crt -noout -ext basicConstraints,subjectKeyIdentifier,authorityKeyIdentifier',
    'x509 -in many.crt -noout -subject -nameopt RFC2253',
    'x509 -in many.crt -noout -subject -issuer -nameopt compat',
    'x509 -in many.crt -noout -subject -nameopt multiline',
    'x509 -in web.crt -noout -dates -dateopt iso_8601',
    'x509 -in web.crt',
    'x509 -in chain.crt -subject',
    'x509 -in web.crt -noout -checkend 60',
    'x509 -in web.crt -noout -checkend 9000000',
    'req -in asked.csr -noout -text',
    'req -in plain.csr -noout -text -subject',
    'req -in configured.csr -noout -text -verify',
    'req -in configured.csr -noout -pubkey',
    'verify -CAfile root.crt root.crt',
    'verify -CAfile root.crt -untrusted issuer.crt web.crt',
    'verify -CAfile root.crt issuer.crt web.crt',
    'verify -CAfile other.crt issuer.crt',
    'verify -CAfile other.crt root.crt',
    'verify -CAfile root.crt -untrusted issuer.crt -purpose sslserver web.crt',
    'verify -CAfile root.crt -untrusted issuer.crt -verify_hostname web.example web.crt',
    'verify -CAfile root.crt -untrusted issuer.crt -verify_hostname nope.example web.crt',
    'verify -CAfile root.crt -untrusted issuer.crt -attime 1000000000 web.crt',
    'verify -CAfile root.crt -untrusted issuer.crt -attime 4000000000 web.crt',
    'verify -CAfile issuer.crt web.crt',
    'verify -CAfile issuer.crt -partial_chain web.crt',
    'verify -CAfile root.crt -untrusted issuer.crt -show_chain web.crt',
    'verify -CAfile rsa.crt many.crt',
    'verify -CAfile web.crt -partial_chain web.crt',
    'pkey -in web.key -text -noout',
    'pkey -in web.key',
    'pkey -in rsa.key -text -noout',
    'pkey -in web.key -pubout',
    'pkey -in web.key -text',
    'ec -in web.key -noout -text',
    'ec -in web.key -pubout',
    'rsa -in rsa.key -noout -modulus',
    'dgst -sha256 text.txt',
    'dgst -sha512 -r text.txt',
    'sha256 text.txt',
    'base64 -in web.crt',
    'asn1parse -in web.crt',
    'asn1parse -i -in asked.csr',
  ])('%s', async (line) => {
    const [mine, real] = [await ours(line), theirs(line)];
    expect(mine.out).toBe(real.out);
    expect(mine.code).toBe(real.code);
    if (line.startsWith('verify') || line.startsWith('ec')) expect(mine.err).toBe(real.err);
  });

  it('accepts what ours makes', async () => {
    const list = execFileSync(
      'openssl',
      ['verify', '-CAfile', 'root.crt', '-untrusted', 'issuer.crt', 'issuer.crt', 'web.crt'],
      {
        cwd: folder,
      },
    ).toString();
    expect(list).toBe('issuer.crt: OK\nweb.crt: OK\n');
    for (const file of ['configured', 'plain', 'asked'])
      expect(theirs(`req -in ${file}.csr -noout -verify`).err).toContain('verify OK');
  });
});

describe('openssl', () => {
  it('judges by the cluster’s clock', async () => {
    expect((await ours('x509 -in web.crt -noout -checkend 0')).out).toBe('Certificate will not expire\n');
    await place.clock.advance(25 * 3_600_000);
    expect((await ours('x509 -in web.crt -noout -checkend 0')).out).toBe('Certificate will expire\n');
    const { code, err } = await ours('verify -CAfile root.crt -untrusted issuer.crt web.crt');
    expect([code, err]).toEqual([
      2,
      'CN = web.example\nerror 10 at 0 depth lookup: certificate has expired\nerror web.crt: verification failed\n',
    ]);
  });

  it.each([
    [
      'x509 -in nope.crt -noout',
      'Could not open file or uri for loading certificate from nope.crt: No such file or directory\nUnable to load certificate\n',
    ],
    ['x509 -in broken.crt -noout', 'Could not read certificate from broken.crt\nUnable to load certificate\n'],
    ['x509 -in text.txt -noout', 'Could not read certificate from text.txt\nUnable to load certificate\n'],
    ['x509 -nonsense', 'x509: Unknown option: -nonsense\nx509: Use -help for summary.\n'],
    ['crl -in x', 'openssl crl is not available here: nothing publishes revocations here\n'],
    ['nonsense', 'Invalid command \'nonsense\'; type "help" for a list.\n'],
    [
      'x509 -req -in asked.csr -CA root.crt -CAkey other.key',
      'Certificate request self-signature ok\nsubject=CN = asked\nCA certificate and CA private key do not match\n',
    ],
    ['s_client -connect nowhere.example:443', 'BIO_connect: Connection refused\nconnect:errno=111\n'],
  ])('%s says what is wrong', async (line, err) => {
    expect(await ours(line)).toMatchObject({ code: 1, err });
  });

  it('reads and writes base64 and random bytes', async () => {
    expect((await ours('base64', 'hello')).out).toBe('aGVsbG8=\n');
    expect((await ours('base64 -d', 'aGVsbG8=\n')).out).toBe('hello');
    expect((await ours('rand -hex 8')).out).toMatch(/^[0-9a-f]{16}\n$/);
  });

  it('encrypts a key with a password and reads it again', async () => {
    await ours('pkey -in web.key -aes256 -passout pass:secret -out locked.key');
    expect(await place.read('locked.key')).toContain('ENCRYPTED PRIVATE KEY');
    expect((await ours('pkey -in locked.key -passin pass:secret -pubout')).out).toBe(
      (await ours('pkey -in web.key -pubout')).out,
    );
    expect((await ours('pkey -in locked.key -passin pass:wrong -noout')).code).toBe(1);
  });
});
