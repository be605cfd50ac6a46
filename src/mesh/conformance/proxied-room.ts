import type { KubeObject } from '#kube/api/types.ts';
import type { ConformanceCase } from './case-file.ts';
import { clientPod, identityOf, manifest, refTo, serverFor, webPod, webService } from './manifests.ts';
import type { Room } from './room.ts';
import { agrees, described, type Seen } from './traffic.ts';
import { type Observation, settled } from './verdict.ts';

/** How a case of the proxy is played in a room of its own. */
export type Play = (room: Room, of: ConformanceCase) => Promise<Observation>;

/** A look at one request, repeated until it is as expected. `denied` says what else counts as a refusal. */
export function watch(
  room: Room,
  of: ConformanceCase,
  request: () => Promise<Seen>,
  denied: (seen: Seen) => boolean = () => false,
): Promise<Observation> {
  return settled(
    async () => {
      const seen = await request();
      const refused = of.expect.outcome === 'deny-tcp' && denied(seen);
      return { agrees: refused || agrees(of.expect, seen), observed: described(seen) };
    },
    { signal: room.lab.signal, withinMs: 20_000 },
  );
}

export async function web(
  room: Room,
  server: Record<string, unknown> | undefined,
  pod: KubeObject = webPod(),
): Promise<string> {
  await room.apply(pod);
  await room.apply(webService());
  if (server) await room.apply(serverFor('web', server));
  return (await room.ready('web')).status.podIP;
}

export async function client(room: Room, mesh: boolean): Promise<string> {
  const name = mesh ? 'meshed' : 'plain';
  await room.apply(manifest('ServiceAccount', 'curl', undefined));
  await room.apply(clientPod(name, { mesh, serviceAccount: 'curl' }));
  await room.ready(name);
  return name;
}

export const grant = (client: object): KubeObject =>
  manifest('ServerAuthorization', 'authz', { server: { name: 'web' }, client });
export const serverIdentity = (room: Room): string => identityOf('default', room.namespace);
/** A meshed client's own proxy answers 502 where the other side closed the connection. */
export const closed = (seen: Seen): boolean => seen.status === 502;

export const methodRoute = (method: string): KubeObject =>
  manifest('HTTPRoute', method.toLowerCase(), {
    parentRefs: [refTo('Server', 'web')],
    rules: [{ matches: [{ method }] }],
  });
export const opens = (kind: string, name: string): KubeObject =>
  manifest('AuthorizationPolicy', `opens-${name}`, { targetRef: refTo(kind, name), requiredAuthenticationRefs: [] });
