import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeCertificate } from '#pki/certificate.ts';
import {
  type Authority,
  anchor,
  DAY,
  HOUR,
  issuerUnder,
  type PodWorld,
  request,
  START,
  serve,
  World,
} from './world.ts';

let world: World;
let root: Authority;

beforeEach(async () => {
  world = new World();
  root = await anchor();
});
afterEach(() => world.stop());

const certified = (log: string[]) => vi.waitFor(() => expect(log.join('\n')).toContain('Certified identity'));

/** The leaf that a pod shows on its admin port, as `linkerd identity` sees it. */
async function shown(pod: PodWorld, servername = pod.name) {
  const connection = await world.fabric.node.dial(pod.net.ip, 4191);
  return new Promise<ReturnType<typeof describeCertificate>>((resolve, reject) => {
    const socket = tls.connect({ socket: connection, servername, rejectUnauthorized: false }, () => {
      resolve(describeCertificate(socket.getPeerX509Certificate()!));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('a workload certificate', () => {
  it('runs from twenty seconds before to a day and twenty seconds later, and names one identity', async () => {
    world.startIdentity(root, await issuerUnder(root));
    const api = world.pod('api');
    await certified(api.log);
    const leaf = await shown(api);
    expect(leaf.dnsNames).toEqual([api.name]);
    expect(leaf.notAfter - leaf.notBefore).toBe(DAY + 40_000);
    expect(Number(leaf.serial)).toBeLessThan(10);
  });

  it('is shown to nobody who asks for another name', async () => {
    world.startIdentity(root, await issuerUnder(root));
    const api = world.pod('api');
    await certified(api.log);
    await expect(shown(api, 'other.shop.serviceaccount.identity.linkerd.cluster.local')).rejects.toThrow();
  });

  it('never outlives its issuer', async () => {
    world.startIdentity(root, await issuerUnder(root, START + HOUR));
    const api = world.pod('api');
    await certified(api.log);
    expect((await shown(api)).notAfter).toBe(START + HOUR);
  });

  it('is renewed at 70 % of its life, by the issuer of that time', async () => {
    world.lifetime = '60s';
    world.startIdentity(root, await issuerUnder(root));
    const api = world.pod('api');
    await certified(api.log);
    const before = await shown(api);
    const other = await issuerUnder(root);
    world.rotate(other);
    await world.clock.advance(57_000);
    await vi.waitFor(async () => expect((await shown(api)).fingerprint).not.toBe(before.fingerprint));
    expect(api.log.filter((line) => line.includes('Certified identity'))).toHaveLength(1);
    await vi.waitFor(() => expect(world.api.reasons()).toContain('IssuerUpdated'));
  });
});

describe('the identity controller', () => {
  it('keeps its issuer when the new one is foreign or broken, and says so', async () => {
    world.startIdentity(root, await issuerUnder(root));
    world.rotate(await issuerUnder(await anchor()));
    world.rotate({ certificate: 'junk', privateKey: root.privateKey });
    await vi.waitFor(() =>
      expect(world.api.reasons().filter((reason) => reason === 'IssuerUpdateSkipped')).toHaveLength(2),
    );
    const messages = world.api.events.map((event) => String(event['message'])).join('\n');
    expect(messages).toContain(
      `Skipping issuer update as certs could not be read from disk: failed to verify issuer credentials for 'identity.linkerd.cluster.local' with trust anchors: x509: certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "root.linkerd.cluster.local")`,
    );
    expect(messages).toContain('failed to read CA from disk: not a PEM certificate');
    const api = world.pod('api');
    await certified(api.log);
  });

  it('ends at the start when its issuer does not stand under the roots', async () => {
    const process = world.startIdentity(root, await issuerUnder(await anchor()));
    expect(await process.exited).toBe(1);
    expect(world.identityLog.join('\n')).toContain(
      'Failed to initialize identity service: failed to verify issuer credentials',
    );
  });

  it('refuses to sign once its issuer has expired', async () => {
    world.startIdentity(root, await issuerUnder(root, START + HOUR));
    await vi.waitFor(() => expect(world.identityProxyLog.join('\n')).toContain('Certified identity'));
    await world.clock.advance(HOUR + 30_000);
    await vi.waitFor(() => expect(world.api.reasons()).toContain('IssuerValidationFailed'));
    const late = world.pod('late');
    await vi.waitFor(() =>
      expect(late.log.join('\n')).toContain('invalid peer certificate: certificate expired: verification time '),
    );
    expect((await request(world.fabric.node, late.net.ip, 4191, '/ready')).status).toBe(503);
  });
});

describe('an expired certificate', () => {
  it('is refused by peers and does not heal', async () => {
    world.startIdentity(root, await issuerUnder(root));
    const api = world.pod('api');
    const web = world.pod('web');
    world.meshed(api, 8080);
    serve(api.net, 8080, (_req, res) => res.end('ok'));
    await Promise.all([certified(api.log), certified(web.log)]);
    world.identity!.kill('SIGTERM');
    world.identityNet!.destroy();
    await world.clock.advance(2 * DAY);
    const reply = await request(web.net, api.net.ip, 8080);
    expect([502, 503, 504]).toContain(reply.status);
  });
});
