import type { Duplex } from 'node:stream';
import { sourceOf } from './case-file.ts';
import { certifiedClient, SHOWN } from './certified.ts';
import { manifest, refTo, WEB_PORT } from './manifests.ts';
import { client, closed, grant, methodRoute, type Play, serverIdentity, watch, web } from './proxied-room.ts';
import { curl } from './traffic.ts';
import { NotRunnable, settled } from './verdict.ts';

// biome-ignore lint/suspicious/noExplicitAny: cases hold plain JSON.
type Json = any;

/** Who may pass by TCP rules: an opaque Server, and a meshed client whose identity the policy covers or not. */
export const suffix: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'opaque' });
  const pod = await client(room, true);
  // Our client's identity is below cluster.local, always; whether the policy's suffix is that too is what differs.
  const identities = [of.expect.outcome === 'allow' ? '*.cluster.local' : '*.cluster.example.com'];
  await room.apply(manifest('MeshTLSAuthentication', 'mesh', { identities }));
  await room.apply(
    manifest('AuthorizationPolicy', 'authz', {
      targetRef: refTo('Server', 'web'),
      requiredAuthenticationRefs: [refTo('MeshTLSAuthentication', 'mesh')],
    }),
  );
  return watch(room, of, () => curl(room, pod, ['http://web']), closed);
};

export const network: Play = async (room, of) => {
  await web(room, { proxyProtocol: 'opaque' });
  const pod = await client(room, false);
  const { status } = await room.ready(pod);
  const inside = of.expect.outcome === 'allow';
  await room.apply(
    grant({ unauthenticated: true, networks: [{ cidr: inside ? `${status.podIP}/32` : '192.0.2.0/24' }] }),
  );
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

export const tlsUnauthenticated: Play = async (room, of) => {
  const ip = await web(room, { proxyProtocol: 'unknown' });
  const pod = await client(room, false);
  await room.apply(grant({ meshTLS: { unauthenticatedTLS: true } }));
  const name = /passed through|passthrough|another|other SNI/i.test(`${of.title} ${JSON.stringify(of.client)}`)
    ? 'other.example'
    : serverIdentity(room);
  const args = ['-k', '--resolve', `${name}:${WEB_PORT}:${ip}`, `https://${name}:${WEB_PORT}/`];
  return watch(room, of, () => curl(room, pod, args));
};

/** Which identities each upstream test lets in. */
const IDENTITIES: Record<string, string[]> = {
  is_authorized_for_matching_spiffe_ids: ['spiffe://some-root/some-workload-1'],
  is_not_authorized_for_non_matching_spiffe_ids: ['spiffe://some-root/some-workload-2'],
  is_authorized_for_matching_dns_ids: ['some.id.local.one'],
  is_not_authorized_for_non_matching_dns_ids: ['some.id.local.two'],
  is_authorized_for_matching_dns_suffixes_ids: ['*.id.local'],
  is_not_authorized_for_non_matching_suffixes_ids: ['*.some.id.local'],
  is_not_authorized_for_suffixes_and_spiffe_id: ['*.id.local'],
  is_authorized_for_one_matching_spiffe_id: [
    'spiffe://some-root/some-workload-1',
    'spiffe://some-root/some-workload-2',
  ],
  is_authorized_for_one_matching_dns_id: ['some.workload.one', 'some.workload.two'],
};

/** A client that shows a certificate for the case's identity, against a policy that lists identities. */
export const identity: Play = async (room, of) => {
  const [, test = ''] = sourceOf(of).split('::');
  const listed = IDENTITIES[test];
  const own: string | undefined = (of.client as Json).identity;
  if (!listed || !own) throw new NotRunnable(`no identities are known for ${test}`);
  const ip = await web(room, {});
  await certifiedClient(room, 'shown', own);
  await room.apply(manifest('MeshTLSAuthentication', 'mesh', { identities: listed }));
  await room.apply(
    manifest('AuthorizationPolicy', 'authz', {
      targetRef: refTo('Server', 'web'),
      requiredAuthenticationRefs: [refTo('MeshTLSAuthentication', 'mesh')],
    }),
  );
  const name = serverIdentity(room);
  const args = [...SHOWN, '-k', '--resolve', `${name}:${WEB_PORT}:${ip}`, `https://${name}:${WEB_PORT}/`];
  // The upstream test asks the rule itself; to a client of an HTTP server a refusal is a 403.
  return watch(
    room,
    of,
    () => curl(room, 'shown', args),
    (seen) => seen.status === 403,
  );
};

/** A port-forward enters the pod from its own loopback address. */
export const loopback: Play = async (room, of) => {
  await web(room, { accessPolicy: 'deny' });
  return settled(
    async () => {
      const status = await statusOver(
        await room.lab.client.portForward(room.namespace, 'web', WEB_PORT, room.lab.signal),
      );
      return { agrees: status === 204 && of.expect.outcome === 'allow', observed: `HTTP ${status}` };
    },
    { signal: room.lab.signal, withinMs: 20_000 },
  );
};

function statusOver(stream: Duplex): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
      if (!status) return;
      stream.destroy();
      resolve(Number(status));
    });
    stream.on('error', reject);
    stream.on('close', () => resolve(0));
    stream.write('GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n');
  });
}

export const dangling: Play = async (room, of) => {
  await web(room, {});
  const pod = await client(room, false);
  const { status } = await room.ready(pod);
  await room.apply(manifest('NetworkAuthentication', 'net', { networks: [{ cidr: `${status.podIP}/32` }] }));
  const refs = [refTo('MeshTLSAuthentication', 'gone'), refTo('NetworkAuthentication', 'net')];
  await room.apply(
    manifest('AuthorizationPolicy', 'authz', { targetRef: refTo('Server', 'web'), requiredAuthenticationRefs: refs }),
  );
  return watch(room, of, () => curl(room, pod, ['http://web']));
};

export const serverLevel: Play = async (room, of) => {
  await web(room, {});
  const pod = await client(room, true);
  await room.apply(methodRoute('GET'));
  await room.apply(manifest('MeshTLSAuthentication', 'mesh', { identities: ['*'] }));
  await room.apply(
    manifest('AuthorizationPolicy', 'authz', {
      targetRef: refTo('Server', 'web'),
      requiredAuthenticationRefs: [refTo('MeshTLSAuthentication', 'mesh')],
    }),
  );
  return watch(room, of, () => curl(room, pod, ['http://web']));
};
