import type { KubeObject } from '#kube/api/types.ts';
import { addressMatches } from '#mesh/policy/core/addresses.ts';
import type { Authorization, InboundConfig, InboundRoute } from '#mesh/policy/core/config.ts';
import { type ConformanceCase, sourceOf } from './case-file.ts';
import { manifest, refTo, serverFor, VERSIONS, WEB_PORT, webPod } from './manifests.ts';
import type { Room } from './room.ts';
import { filledIn } from './setup.ts';
import { NotRunnable, type Observation, pause, settled } from './verdict.ts';
import { sceneOf } from './words.ts';

// biome-ignore lint/suspicious/noExplicitAny: cases hold plain JSON.
type Json = any;

/** Objects of equal age to the second are told apart by name; cases about age need a second between them. */
const AGE_MS = 1_100;

async function make(room: Room, object: KubeObject): Promise<void> {
  await room.apply(filledIn(object, { namespace: room.namespace, blessed: [] }));
}

/** Makes what a case's words say and compares the effective configuration of the port with what it expects. */
export async function playInbound(room: Room, of: ConformanceCase): Promise<Observation> {
  const annotated: Json[] = of.objects.filter((each): each is Record<string, unknown> => typeof each !== 'string');
  const words = of.objects.filter((each): each is string => typeof each === 'string');
  if (annotated.some((each) => !each.annotate)) throw new NotRunnable('its objects are not understood');
  const scene = sceneOf(words, of.title, JSON.stringify(of.expect));
  let previous: string | undefined;
  for (const object of scene.objects) {
    if (previous === object.kind) await pause(AGE_MS, room.lab.signal);
    await make(room, object);
    previous = object.kind;
  }
  for (const object of scene.removed) await room.remove(object.apiVersion, object.kind, object.metadata.name!);
  // Annotations change a pod that is there already: that they count at once is the point.
  let { port } = scene;
  for (const { annotate: kind, ...annotations } of annotated) {
    if (kind !== 'Pod') throw new NotRunnable(`annotations of ${kind} are not understood here`);
    await room.merge('v1', 'Pod', 'web', { metadata: { annotations } });
    // The port that an annotation is about is the one to look at.
    const ports = Object.entries(annotations).find(([name]) => /-ports$/.test(name))?.[1];
    if (ports) port = Number(String(ports).split(/[,-]/)[0]);
  }
  if (sourceOf(of).endsWith('::server_update_deselects_pod')) {
    const spec = { podSelector: { matchLabels: { app: 'another' } } };
    await room.merge(VERSIONS['Server']!, 'Server', 'web', { spec });
  }
  const fallback = await clusterDefault(room);
  const effective: Json = filledIn((of.expect as Json).effective, { namespace: room.namespace, blessed: [] });
  return settled(
    async () => {
      const config = await room.inbound(scene.workload(room.namespace), port);
      if (!config) return { agrees: false, observed: 'the controller does not know the workload' };
      return { agrees: differences(config, effective, fallback).length === 0, observed: summary(config) };
    },
    { signal: room.lab.signal, withinMs: 20_000 },
  );
}

/** The default policy that the installation names. */
async function clusterDefault(room: Room): Promise<string> {
  const target = { group: '', version: 'v1', resource: 'configmaps', namespace: 'linkerd' };
  const values: string = (await room.lab.client.get(target, 'linkerd-config'))['data']?.values ?? '';
  return /defaultInboundPolicy: *"?([a-z-]+)"?/.exec(values)?.[1] ?? 'all-unauthenticated';
}

/** What an effective configuration lacks of what is expected; empty when it is all there. */
function differences(config: InboundConfig, want: Json, clusterDefault: string): string[] {
  const out: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) out.push(what);
  };
  if (want.server === 'cluster default')
    check(isRef(config.server, { kind: 'default', name: clusterDefault }), 'server');
  else if (want.server) check(isRef(config.server, want.server), 'server');
  if (want.protocol) check(config.protocol === want.protocol, 'protocol');
  if (want.authorizations)
    check(sameList(config.authorizations, want.authorizations, isAuthorization), 'authorizations');
  if (want.networks) check(networksOf(config).join() === '10.0.0.0/8,fd00::/8', 'networks');
  if (want.routes) check(sameRoutes(config, want.routes), 'routes');
  if (want.defaultRoute === 'absent')
    check(
      config.routes.every(({ ref }) => ref.name !== 'default'),
      'default route',
    );
  if (want.probe) {
    const probe = config.routes.find(({ ref }) => ref.name === 'probe');
    check(probe?.authorizations[0]?.authentication.kind === 'unauthenticated', 'probe');
  }
  const override: string | undefined = want.ratelimit?.['override identity'];
  if (override)
    check(config.rateLimit?.overrides.some(({ identities }) => identities.includes(override)) === true, 'rate limit');
  return out;
}

const isRef = (ref: { group: string; kind: string; name: string }, want: Json): boolean =>
  (want.group === undefined || ref.group === want.group) &&
  (want.kind === undefined || ref.kind.toLowerCase() === String(want.kind).toLowerCase()) &&
  (want.name === undefined || ref.name === want.name);

function isAuthorization({ ref }: Authorization, want: Json): boolean {
  if (typeof want !== 'string') return isRef(ref, want);
  return ref.name === want || (/policy/.test(want) && ref.kind === 'authorizationpolicy');
}

function isRoute(route: InboundRoute, want: Json): boolean {
  if (typeof want === 'string') {
    const [, kind] = /(HTTPRoute|GRPCRoute)/.exec(want) ?? [];
    return kind ? route.ref.kind === kind : route.ref.name === want;
  }
  return (
    isRef(route.ref, want) &&
    (!want.authorizations || sameList(route.authorizations, want.authorizations, isAuthorization))
  );
}

const sameList = <T>(have: T[], want: Json[], same: (one: T, want: Json) => boolean): boolean =>
  have.length === want.length && want.every((each) => have.some((one) => same(one, each)));

function sameRoutes(config: InboundConfig, want: Json): boolean {
  if (Array.isArray(want)) return sameList(config.routes, want, isRoute);
  const grpc = /gRPC/.test(want);
  return config.routes.length > 0 && config.routes.every(({ protocol }) => protocol === (grpc ? 'grpc' : 'http'));
}

const networksOf = (config: InboundConfig): string[] =>
  config.authorizations.flatMap(({ networks }) => networks.map(({ cidr }) => cidr)).sort();

function summary(config: InboundConfig): string {
  const of = (list: Authorization[]) => `[${list.map(({ ref }) => ref.name).join(' ')}]`;
  const routes = config.routes.map(({ ref, authorizations }) => `${ref.kind} ${ref.name} ${of(authorizations)}`);
  const limit = config.rateLimit?.overrides.flatMap(({ identities }) => identities) ?? [];
  return [
    `server ${config.server.kind} ${config.server.name}`,
    config.protocol,
    `authorizations ${of(config.authorizations)}`,
    `routes ${routes.join(', ') || 'none'}`,
    ...(limit.length > 0 ? [`overrides ${limit.join(' ')}`] : []),
  ].join('; ');
}

/** Whether an address outside the cluster is let in, by the networks that the effective configuration names. */
export async function playOutside(room: Room, of: ConformanceCase): Promise<Observation> {
  const ip: string = (of.client as Json).ip;
  await room.apply(webPod());
  await room.apply(serverFor('web'));
  const policy = of.objects.some((each) => typeof each === 'string' && each.startsWith('AuthorizationPolicy'));
  if (policy) {
    await room.apply(
      manifest('AuthorizationPolicy', 'authz', { targetRef: refTo('Server', 'web'), requiredAuthenticationRefs: [] }),
    );
  } else
    await room.apply(
      manifest('ServerAuthorization', 'authz', { server: { name: 'web' }, client: { unauthenticated: true } }),
    );
  return settled(
    async () => {
      const config = await room.inbound(JSON.stringify({ ns: room.namespace, pod: 'web' }), WEB_PORT);
      const granted = config?.authorizations.filter(({ ref }) => ref.name === 'authz') ?? [];
      const lets = granted.some(({ networks }) => addressMatches(networks, ip));
      const listed = granted.flatMap(({ networks }) => networks.map(({ cidr }) => cidr)).join(', ');
      const agrees = granted.length > 0 && lets === (of.expect.outcome === 'allow');
      return { agrees, observed: `effective networks ${listed}: ${ip} is ${lets ? 'in' : 'not in'} them` };
    },
    { signal: room.lab.signal, withinMs: 20_000 },
  );
}
