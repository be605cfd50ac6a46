import { createHash } from 'node:crypto';
import type { Container, PodSpec, Volume, VolumeMount } from '#kube/api/pod-parts.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { initContainer } from '#mesh/install/init-container.ts';
import { proxyContainer } from '#mesh/install/proxy-container.ts';
import type { Values } from '#mesh/install/values.ts';
import { ADDITIONAL_ENV, isInherited, isTrue, OPAQUE, overriddenValues } from './overrides.ts';

export interface JsonPatchOperation {
  op: 'add';
  path: string;
  value: unknown;
}

export interface InjectionInput {
  /** A pod, or the template of a workload. */
  pod: { metadata?: KubeObject['metadata']; spec?: PodSpec };
  namespace: string;
  namespaceAnnotations: Record<string, string>;
  /** The values of `linkerd-config`. */
  values: Values;
  /** The trust bundle as it is now. */
  anchors: string;
  controlPlaneNamespace: string;
  /** Controller of the pod, for the label `linkerd.io/proxy-<kind>`. */
  owner?: { kind: string; name: string };
  /** `linkerd/proxy-injector edge-…` or `linkerd/cli edge-…`. */
  createdBy: string;
  byWebhook?: boolean;
  /** Of the workload whose template is injected by hand: one annotation is read there. */
  workloadAnnotations?: Record<string, string>;
}

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** Hash of a trust bundle as pods carry it in `linkerd.io/trust-root-sha256`. */
export const bundleHash = (anchors: string): string => createHash('sha256').update(anchors).digest('hex');

/** The setting is the node's own, which only root may change. */
const NOT_ROOT =
  'execution error at (patch/templates/patch.json:77:10): proxyInit.runAsRoot must be set to use proxyInit.closeWaitTimeoutSecs';

/** What makes a meshed pod of a plain one: init container, proxy, volumes, labels and annotations, as a JSON patch. */
export function injectionPatch(input: InjectionInput): JsonPatchOperation[] {
  const { pod, controlPlaneNamespace, anchors } = input;
  const own = pod.metadata?.annotations ?? {};
  const spec = pod.spec ?? {};
  const added: Record<string, string> = {};
  for (const [name, value] of Object.entries(input.namespaceAnnotations)) {
    if (isInherited(name) && own[name] === undefined) added[name] = value;
  }
  // The webhook writes down which of the default opaque ports the pod has; the CLI leaves that to the webhook.
  const opaque = input.byWebhook && opaquePortsFor(spec, input.values['proxy'].opaquePorts);
  if (opaque && own[OPAQUE] === undefined) added[OPAQUE] ??= opaque;
  const values = overriddenValues(
    input.values,
    { ...added, ...own },
    {
      ports: namedPorts(spec),
      additionalEnv: [input.namespaceAnnotations[ADDITIONAL_ENV], (input.workloadAnnotations ?? own)[ADDITIONAL_ENV]],
    },
  );
  if (values['proxyInit'].closeWaitTimeoutSecs && !values['proxyInit'].runAsRoot) throw new Error(NOT_ROOT);
  const patch: JsonPatchOperation[] = [];
  const add = (path: string, value: unknown) => patch.push({ op: 'add', path, value });

  addAll(add, '/metadata/annotations', pod.metadata?.annotations, {
    ...added,
    'linkerd.io/created-by': input.createdBy,
    'linkerd.io/proxy-version': values['proxy'].image.version || values.linkerdVersion,
    'linkerd.io/trust-root-sha256': bundleHash(anchors),
  });
  addAll(add, '/metadata/labels', pod.metadata?.labels, {
    'linkerd.io/control-plane-ns': controlPlaneNamespace,
    ...(input.owner ? { [`linkerd.io/proxy-${input.owner.kind.toLowerCase()}`]: input.owner.name } : {}),
    'linkerd.io/workload-ns': input.namespace,
  });

  const capabilities = spec.containers?.[0]?.securityContext?.capabilities;
  const mount = accountMount(spec);
  const common = { ...(capabilities ? { capabilities } : {}), ...(mount ? { accountMount: mount } : {}) };
  const [xtables, ...others] = volumes(values);
  if (!spec.volumes) add('/spec/volumes', []);
  for (const volume of values.cniEnabled ? others : [xtables, ...others]) add('/spec/volumes/-', volume);
  const init = withoutNothing(initContainer(values, common));
  const proxy = withoutNothing(
    proxyContainer({
      namespace: controlPlaneNamespace,
      values,
      anchors,
      inboundPorts: inboundPorts(spec),
      ...common,
    }),
  );
  if (!spec.initContainers) add('/spec/initContainers', []);
  if (values['proxy'].nativeSidecar) {
    add('/spec/initContainers/0', init);
    add('/spec/initContainers/1', proxy);
  } else {
    add(`/spec/initContainers/${spec.initContainers?.length ?? 0}`, init);
  }
  if (isTrue(own['config.linkerd.io/enable-debug-sidecar'])) add('/spec/containers/-', debugContainer(values));
  if (!values['proxy'].nativeSidecar) add(values['proxy'].await ? '/spec/containers/0' : '/spec/containers/-', proxy);
  return patch;
}

/** The chart writes `resources:` without a value where none are chosen; a pod has no such key. */
function withoutNothing(container: Container): Container {
  if (container.resources === null) delete container.resources;
  return container;
}

/** Tools to look at the pod's traffic with; it needs no probes, and has some that cannot fail. */
const debugContainer = ({ debugContainer: { image }, imagePullPolicy, linkerdVersion }: Values): Container => ({
  image: `${image.name}:${image.version || linkerdVersion}`,
  imagePullPolicy: image.pullPolicy || imagePullPolicy,
  name: 'linkerd-debug',
  terminationMessagePolicy: 'FallbackToLogsOnError',
  livenessProbe: { exec: { command: ['true'] } },
  readinessProbe: { exec: { command: ['true'] } },
});

const containersOf = ({ initContainers = [], containers = [] }: PodSpec): Container[] => [
  ...initContainers,
  ...containers,
];

const namedPorts = (spec: PodSpec): Map<string, number> =>
  new Map(
    containersOf(spec).flatMap(({ ports = [] }) =>
      ports.flatMap(({ name, containerPort }) => (name ? [[name, containerPort] as const] : [])),
    ),
  );

/** Which of the ports that are opaque by default a pod declares, as the annotation lists them; empty: none. */
export function opaquePortsFor(spec: PodSpec, defaults: string): string {
  const known = new Set(defaults.split(','));
  const declared = containersOf(spec).flatMap(({ ports = [] }) => ports.map((port) => String(port.containerPort)));
  return declared.filter((port) => known.has(port)).join(',');
}

function addAll(
  add: (path: string, value: unknown) => void,
  path: string,
  present: Record<string, string> | undefined,
  entries: Record<string, string>,
): void {
  if (!present) add(path, {});
  for (const [key, value] of Object.entries(entries)) add(`${path}/${escaped(key)}`, value);
}

/** What a path leads through. */
type Tree = { [name: string]: unknown };

/** Applies such a patch to a copy; the operations are few and only add. */
export function applyInjection<T extends { metadata?: object; spec?: object }>(pod: T, patch: JsonPatchOperation[]): T {
  const copy = structuredClone(pod);
  copy.metadata ??= {};
  copy.spec ??= {};
  for (const { path, value } of patch) {
    const names = path
      .split('/')
      .slice(1)
      .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = names.pop()!;
    let at = copy as Tree;
    for (const name of names) at = at[name] as Tree;
    if (!Array.isArray(at)) at[last] = structuredClone(value);
    else if (last === '-') at.push(structuredClone(value));
    else at.splice(Number(last), 0, structuredClone(value));
  }
  return copy;
}

const volumes = (values: Values): [Volume, ...Volume[]] => [
  { emptyDir: {}, name: values['proxyInit'].xtMountPath.name },
  { emptyDir: { medium: 'Memory' }, name: 'linkerd-identity-end-entity' },
  {
    name: 'linkerd-identity-token',
    projected: {
      sources: [
        {
          serviceAccountToken: {
            audience: 'identity.l5d.io',
            expirationSeconds: 86400,
            path: 'linkerd-identity-token',
          },
        },
      ],
    },
  },
];

/** Where the first container finds its account's token; the added containers get it too. */
function accountMount(spec: PodSpec): VolumeMount | undefined {
  const mounts = spec.containers?.[0]?.volumeMounts ?? [];
  const found = mounts.find((mount) => mount.mountPath === TOKEN_PATH);
  return found && { mountPath: found.mountPath, name: found.name, ...(found.readOnly ? { readOnly: true } : {}) };
}

/** Ports that the pod's containers declare or are probed at by number, in the order of their text. */
function inboundPorts(spec: PodSpec): string {
  const ports = new Set<string>();
  for (const { ports: declared = [], readinessProbe, livenessProbe } of containersOf(spec)) {
    for (const { containerPort } of declared) ports.add(String(containerPort));
    for (const probe of [readinessProbe, livenessProbe])
      if (typeof probe?.httpGet?.port === 'number') ports.add(String(probe.httpGet.port));
  }
  return [...ports].sort().join(',');
}
