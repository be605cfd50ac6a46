import { createSecureContext, TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { LoopbackNet } from '../../../src/terminal/loopback.ts';
import { createOpenssl } from '../../../src/terminal/openssl/openssl.ts';
import { createStep } from '../../../src/terminal/step/step.ts';
import { bench } from './bench.ts';

const place = bench({ now: Date.now() });
const loopback = new LoopbackNet();
const dial: LoopbackNet['dial'] = (...to) => loopback.dial(...to);
const openssl = createOpenssl({ clock: place.clock, dial });
const step = createStep({ clock: place.clock, dial });
const run = (line: string, input?: string) => place.run(openssl, line.split(' '), input);

async function serve(port: number, name: string): Promise<void> {
  const secureContext = createSecureContext({
    cert: await place.read(`${name}.crt`),
    key: await place.read(`${name}.key`),
  });
  loopback.listen(port, (connection) => {
    const socket = new TLSSocket(connection as never, { isServer: true, secureContext });
    socket.on('error', () => {});
    socket.on('data', (data) => socket.end(`you said ${data}`));
  });
}

beforeAll(async () => {
  const make = async (line: string) => expect(await place.run(step, line.split(' '))).toMatchObject({ code: 0 });
  await make('certificate create root.example root.crt root.key --profile root-ca --no-password --insecure');
  await make(
    'certificate create issuer.example issuer.crt issuer.key --profile intermediate-ca --ca root.crt --ca-key root.key --no-password --insecure',
  );
  await make(
    'certificate create web.example web.crt web.key --ca issuer.crt --ca-key issuer.key --no-password --insecure --bundle',
  );
  await serve(8443, 'web');
});

describe('openssl s_client over the loopback', () => {
  it('shows the chain and that it verifies', async () => {
    const { code, out, err } = await run('s_client -connect 127.0.0.1:8443 -CAfile root.crt -servername web.example');
    expect(code).toBe(0);
    expect(err).toBe(
      'depth=2 CN = root.example\nverify return:1\ndepth=1 CN = issuer.example\nverify return:1\ndepth=0 CN = web.example\nverify return:1\nDONE\n',
    );
    expect(out).toMatch(
      /^CONNECTED\(00000003\)\n---\nCertificate chain\n 0 s:CN = web\.example\n {3}i:CN = issuer\.example\n/,
    );
    expect(out).toMatch(/New, TLSv1\.3, Cipher is TLS_\w+\n/);
    expect(out).toMatch(/\nVerify return code: 0 \(ok\)\n---\n$/);
    expect(out).toMatch(/SSL handshake has read [1-9]\d+ bytes and written [1-9]\d+ bytes/);
  });

  it('says what does not verify', async () => {
    const { out, err } = await run('s_client -connect localhost:8443');
    expect(err).toContain('depth=1 CN = issuer.example\nverify error:num=20:unable to get local issuer certificate\n');
    expect(out).toContain('Verify return code: 20 (unable to get local issuer certificate)');
  });

  it('pipes its certificate into x509', async () => {
    const { out } = await run('s_client -connect 127.0.0.1:8443 -showcerts');
    expect((await run('x509 -noout -subject', out)).out).toBe('subject=CN = web.example\n');
  });

  it('talks through the connection', async () => {
    const { out } = await run('s_client -connect 127.0.0.1:8443 -quiet', 'hello\n');
    expect(out).toBe('you said hello\n');
  });

  it('knows that the terminal stands outside the cluster', async () => {
    expect(await run('s_client -connect web.default.svc:443')).toMatchObject({
      code: 1,
      err: expect.stringContaining('forward a port with kubectl'),
    });
    expect((await run('s_client -connect 127.0.0.1:9')).err).toContain('Connection refused');
    expect((await run('s_client -connect 10.0.0.1:443')).err).toContain('No route to host');
  });
});

describe('step on a server of the loopback', () => {
  const inspect = (line: string) => place.run(step, line.split(' '));
  it('inspects the certificate that it shows', async () => {
    const { code, out } = await inspect('certificate inspect https://localhost:8443 --short --roots root.crt');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^X\.509v3 TLS Certificate \(ECDSA P-256\) \[Serial: \d{4}\.\.\.\d{4}\]\n {2}Subject: {5}web\.example\n/,
    );
    expect((await inspect('certificate fingerprint https://localhost:8443 --insecure --bundle')).out).toMatch(
      /^0: [0-9a-f]{64}\n1: [0-9a-f]{64}\n$/,
    );
  });
  it('does not trust it without its root', async () => {
    expect(await inspect('certificate inspect https://localhost:8443')).toMatchObject({
      code: 1,
      err: 'failed to connect: tls: failed to verify certificate: x509: certificate signed by unknown authority\n',
    });
    expect((await inspect('certificate inspect https://web.example')).err).toBe(
      'failed to connect: dial tcp: lookup web.example: no such host\n',
    );
  });
});

describe('the loopback', () => {
  it('gives a port to one listener only, and frees it', () => {
    const first = loopback.listen(9000, () => {});
    expect(() => loopback.listen(9000, () => {})).toThrow('address already in use');
    first.close();
    loopback.listen(9000, () => {}).close();
    expect(loopback.listen(0, () => {}).port).toBeGreaterThanOrEqual(32_768);
    expect(() => loopback.listen(80, () => {})).toThrow('permission denied');
  });

  it('ends connections with their listener', async () => {
    const listener = loopback.listen(9001, () => {});
    const near = await loopback.dial('127.0.0.1', 9001);
    const closed = new Promise((resolve) => near.once('close', resolve));
    listener.close();
    await closed;
    await expect(loopback.dial('127.0.0.1', 9001)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
