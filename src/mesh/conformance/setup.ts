import type { KubeObject } from '#kube/api/types.ts';
import type { CaseFile, ConformanceCase } from './case-file.ts';
import { groupOf, INJECT, manifest, refTo, VERSIONS, webPod, webService } from './manifests.ts';
import { NotRunnable } from './verdict.ts';

// biome-ignore lint/suspicious/noExplicitAny: cases hold parts of objects as plain JSON.
type Json = any;

/** One thing to do, in the order of the case. */
export type Step =
  | { apply: KubeObject }
  | { merge: { kind: string; name: string; patch: Json } }
  /** Deletes and makes anew. */
  | { recreate: KubeObject };

export interface Setup {
  steps: Step[];
  namespaceAnnotations: Record<string, string>;
  /** Whether the case has the pod `web`. */
  hasWeb: boolean;
}

const ROUTE_KINDS = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'];
const EGRESS = 'egress';

/** Turns the objects of a case (fixtures by name, objects, patches, annotations) into steps. */
export function setupOf(of: ConformanceCase, file: CaseFile): Setup {
  const setup: Setup = { steps: [], namespaceAnnotations: {}, hasWeb: false };
  for (const each of of.objects) add(each, file, setup);
  return setup;
}

function add(each: ConformanceCase['objects'][number], file: CaseFile, setup: Setup): void {
  const json: Json = each;
  if (typeof each === 'string') {
    const fixture: Json = file.fixtures[each];
    if (!fixture) throw new NotRunnable(`the object "${each}" is described in words only`);
    return object(fixture, each, setup);
  }
  if (json['same as']) {
    const other = file.cases.find(({ id }) => id === json['same as']);
    if (!other) throw new NotRunnable(`it needs the objects of ${json['same as']}, which is not in the file`);
    for (const one of other.objects) add(one, file, setup);
    return;
  }
  if (json.patch) {
    const fixture: Json = file.fixtures[json.patch];
    if (!fixture) throw new NotRunnable(`there is no fixture "${json.patch}" to patch`);
    const { patch: _, ...rest } = json;
    setup.steps.push({ merge: { kind: fixture.kind, name: fixture.name ?? json.patch, patch: rest } });
    return;
  }
  if (json.annotate) {
    const { annotate: kind, then, ...annotations } = json;
    if (kind === 'Namespace') {
      Object.assign(setup.namespaceAnnotations, annotations);
      if (then) setup.steps.push({ recreate: webPod() });
    } else setup.steps.push({ merge: { kind, name: 'web', patch: { metadata: { annotations } } } });
    return;
  }
  if (!json.kind) throw new NotRunnable(`the object ${JSON.stringify(json)} is described in words only`);
  object(json, String(json.kind).toLowerCase(), setup);
}

/** One fixture or object; what it leaves out is filled in as the group's other objects have it. */
function object(json: Json, key: string, setup: Setup): void {
  const { kind } = json;
  const egress = setup.steps.some((step) => 'apply' in step && step.apply.kind === 'EgressNetwork');
  switch (kind) {
    case 'Pod':
      setup.hasWeb = true;
      setup.steps.push({
        apply: webPod({
          ...(json.name ? { name: json.name } : {}),
          labels: json.labels ?? { app: 'web' },
          mesh: json.annotations?.[INJECT] !== 'disabled',
        }),
      });
      return;
    case 'Service':
      setup.steps.push({ apply: serviceOf(json) });
      return;
    default:
  }
  if (ROUTE_KINDS.includes(kind)) {
    setup.steps.push({ apply: routeOf(json, key, egress) });
    return;
  }
  if (!VERSIONS[kind]) throw new NotRunnable(`the kind ${kind} is not known here`);
  const name = json.name ?? (kind === 'EgressNetwork' ? EGRESS : key);
  const made = manifest(kind, name, structuredClone(json.spec ?? {}));
  if (json.apiVersion && !json.apiVersion.includes('*')) made.apiVersion = json.apiVersion;
  complete(made.spec);
  setup.steps.push({ apply: made });
}

function serviceOf(json: Json): KubeObject {
  const ports = json.ports ?? [
    { port: json.port ?? 80, targetPort: 'http', ...(json.appProtocol ? { appProtocol: json.appProtocol } : {}) },
  ];
  const service = webService(ports, json.annotations ? { annotations: json.annotations } : {});
  if (json.name) service.metadata.name = json.name;
  if (json.selector) service.spec.selector = json.selector;
  return service;
}

/** Groups that references leave out, by their kind. */
function complete(spec: Json): void {
  for (const ref of [spec.targetRef, ...(spec.requiredAuthenticationRefs ?? [])]) {
    if (ref && ref.group === undefined) ref.group = groupOf(ref.kind);
  }
}

/** A route in the loose form of the cases: paths as strings, backends and parents by kind. */
function routeOf(json: Json, key: string, egress: boolean): KubeObject {
  const policyGroup = String(json.apiVersion ?? '').startsWith('policy.linkerd.io');
  const kind = json.kind === 'HTTPRoute' && policyGroup ? 'PolicyHTTPRoute' : json.kind;
  const spec: Json = json.spec ?? json;
  const backend = (ref: Json): Json => {
    if (typeof ref === 'string') return refTo('EgressNetwork', EGRESS);
    const of = ref.kind ?? 'Service';
    return { ...refTo(of, ref.name ?? (of === 'EgressNetwork' ? EGRESS : 'web')), ...ref, kind: of };
  };
  const parents = (
    spec.parentRefs ?? [{ kind: egress ? 'EgressNetwork' : 'Server', ...(egress ? { port: 443 } : {}) }]
  ).map((ref: Json) => {
    const group = ref.group === 'core' ? '' : (ref.group ?? groupOf(ref.kind));
    return { ...ref, group, name: ref.name ?? (ref.kind === 'EgressNetwork' ? EGRESS : 'web') };
  });
  const stream = kind === 'TLSRoute' || kind === 'TCPRoute';
  const own = egress ? [refTo('EgressNetwork', EGRESS, { port: parents[0]?.port })] : undefined;
  const rules = (spec.rules ?? [{ ...(spec.backendRefs ? { backendRefs: spec.backendRefs } : {}) }]).map(
    (rule: Json) => {
      const { path, matches, backendRefs, ...rest } = rule;
      const all: Json[] | undefined = matches ?? (path ? [{ path }] : undefined);
      const backends = backendRefs?.map(backend) ?? (stream ? own : undefined);
      return {
        ...rest,
        ...(all
          ? { matches: all.map((match) => ({ ...match, ...(match.path ? { path: pathOf(match.path) } : {}) })) }
          : {}),
        ...(backends ? { backendRefs: backends } : {}),
      };
    },
  );
  return manifest(kind, json.name ?? key, {
    parentRefs: parents,
    ...(spec.hostnames ? { hostnames: spec.hostnames } : {}),
    rules,
  });
}

const pathOf = (path: Json): Json => (typeof path === 'string' ? { type: 'Exact', value: path } : path);

/** Fills in what is known only in the room: its name and the addresses of its clients. */
export function filledIn<T>(value: T, facts: { namespace: string; blessed: string[] }): T {
  return JSON.parse(JSON.stringify(value), (key, each) => {
    if (typeof each === 'string') return each.replaceAll('<ns>', facts.namespace);
    if (key !== 'networks' || !Array.isArray(each)) return each;
    return each.flatMap((network: Json) =>
      typeof network?.cidr === 'string' && network.cidr.includes('<')
        ? facts.blessed.map((ip) => ({ ...network, cidr: `${ip}/32` }))
        : [network],
    );
  }) as T;
}
