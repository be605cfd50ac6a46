/* biome-ignore-all lint/suspicious/noExplicitAny: pods are plain JSON. */
import { createHash } from 'node:crypto';
import type { KubeObject } from '#kube/api/types.ts';
import { initContainer, proxyContainer, resources } from '#mesh/install/control-plane-proxy.ts';
import type { Values } from '#mesh/install/values.ts';
import { isConfigAnnotation, overriddenValues } from './overrides.ts';

export interface JsonPatchOperation {
  op: 'add';
  path: string;
  value: unknown;
}

export interface InjectionInput {
  /** A pod, or the template of a workload. */
  pod: { metadata?: KubeObject['metadata']; spec?: any };
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
}

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** Hash of a trust bundle as pods carry it in `linkerd.io/trust-root-sha256`. */
export const bundleHash = (anchors: string): string => createHash('sha256').update(anchors.trim()).digest('hex');

/** What makes a meshed pod of a plain one: init container, proxy, volumes, labels and annotations, as a JSON patch. */
export function injectionPatch(input: InjectionInput): JsonPatchOperation[] {
  const { pod, controlPlaneNamespace, anchors } = input;
  const own = pod.metadata?.annotations ?? {};
  const inherited: Record<string, string> = {};
  for (const [name, value] of Object.entries(input.namespaceAnnotations)) {
    if (isConfigAnnotation(name) && own[name] === undefined) inherited[name] = value;
  }
  const values = overriddenValues(input.values, { ...inherited, ...own });
  const patch: JsonPatchOperation[] = [];
  const add = (path: string, value: unknown) => patch.push({ op: 'add', path, value });

  const version = values['proxy'].image.version || values.linkerdVersion;
  addAll(add, '/metadata/annotations', pod.metadata?.annotations, {
    ...inherited,
    'linkerd.io/created-by': input.createdBy,
    'linkerd.io/proxy-version': version,
    'linkerd.io/trust-root-sha256': bundleHash(anchors),
  });
  addAll(add, '/metadata/labels', pod.metadata?.labels, {
    'linkerd.io/control-plane-ns': controlPlaneNamespace,
    ...(input.owner ? { [`linkerd.io/proxy-${input.owner.kind.toLowerCase()}`]: input.owner.name } : {}),
    'linkerd.io/workload-ns': input.namespace,
  });

  const spec = pod.spec ?? {};
  const [xtables, endEntity, token] = volumes(values);
  if (!spec.volumes) add('/spec/volumes', []);
  for (const volume of [xtables, endEntity, token]) add('/spec/volumes/-', volume);

  const mount = accountMount(spec);
  const init = workloadInit(values, mount);
  const proxy = workloadProxy(input, values, mount);
  if (!spec.initContainers) add('/spec/initContainers', []);
  if (values['proxy'].nativeSidecar) {
    add('/spec/initContainers/0', init);
    add('/spec/initContainers/1', proxy);
  } else {
    add(`/spec/initContainers/${spec.initContainers?.length ?? 0}`, init);
    add(values['proxy'].await ? '/spec/containers/0' : '/spec/containers/-', proxy);
  }
  return patch;
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

/** Applies such a patch to a copy; the operations are few and only add. */
export function applyInjection<T extends { metadata?: any; spec?: any }>(pod: T, patch: JsonPatchOperation[]): T {
  const copy = structuredClone(pod);
  copy.metadata ??= {};
  copy.spec ??= {};
  for (const { path, value } of patch) {
    const names = path
      .split('/')
      .slice(1)
      .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = names.pop()!;
    let at: any = copy;
    for (const name of names) at = at[name];
    if (!Array.isArray(at)) at[last] = structuredClone(value);
    else if (last === '-') at.push(structuredClone(value));
    else at.splice(Number(last), 0, structuredClone(value));
  }
  return copy;
}

const volumes = (values: Values): any[] => [
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

/** Where the pod's containers find their account's token; the added containers get it too. */
function accountMount(spec: any): any | undefined {
  for (const { volumeMounts = [] } of spec.containers ?? []) {
    const found = volumeMounts.find((mount: { mountPath: string }) => mount.mountPath === TOKEN_PATH);
    if (found) return found;
  }
  return undefined;
}

function workloadInit(values: Values, mount: any): any {
  const { proxyInit, proxy } = values as any;
  const container = initContainer(values);
  const at = container.args.indexOf('--outbound-ports-to-ignore');
  container.args.splice(at, 2);
  const ignored = [proxy.ports.control, proxy.ports.admin, proxyInit.ignoreInboundPorts].filter((each) => each !== '');
  container.args[container.args.indexOf('--inbound-ports-to-ignore') + 1] = ignored.join(',');
  if (proxyInit.ignoreOutboundPorts) container.args.push('--outbound-ports-to-ignore', proxyInit.ignoreOutboundPorts);
  if (proxyInit.skipSubnets) container.args.push('--subnets-to-ignore', proxyInit.skipSubnets);
  delete container.resources;
  if (mount) container.volumeMounts.push(mount);
  return container;
}

function workloadProxy(input: InjectionInput, values: Values, mount: any): any {
  const { proxy } = values as any;
  const container = proxyContainer({
    namespace: input.controlPlaneNamespace,
    values,
    inboundPorts: proxy.podInboundPorts || inboundPorts(input.pod.spec),
  });
  const anchors = container.env.find((each: any) => each.name === 'LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS');
  // The bundle is written into the pod: it changes only with a new pod.
  delete anchors.valueFrom;
  anchors.value = `${input.anchors.trim()}\n`;
  const ports = container.env.find((each: any) => each.name === 'LINKERD2_PROXY_INBOUND_PORTS');
  if (ports.value === '') delete ports.value;
  if (proxy.isGateway) {
    container.env.splice(container.env.indexOf(ports) + 1, 0, {
      name: 'LINKERD2_PROXY_INBOUND_GATEWAY_SUFFIXES',
      value: `svc.${values['clusterDomain']}.`,
    });
  }
  if (proxy.requireIdentityOnInboundPorts) {
    const index = container.env.indexOf(ports);
    container.env.splice(index, 0, {
      name: 'LINKERD2_PROXY_INBOUND_PORTS_REQUIRE_IDENTITY',
      value: proxy.requireIdentityOnInboundPorts,
    });
  }
  if (proxy.accessLog) container.env.push({ name: 'LINKERD2_PROXY_ACCESS_LOG', value: proxy.accessLog });
  if (proxy.shutdownGracePeriod) {
    container.env.push({ name: 'LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD', value: proxy.shutdownGracePeriod });
  }
  for (const each of proxy.additionalEnv ?? []) container.env.push(each);
  const given = resources(proxy.resources);
  if (given) container.resources = given;
  else delete container.resources;
  delete container.securityContext.capabilities;
  if (mount) container.volumeMounts.push(mount);
  if (!proxy.nativeSidecar) {
    delete container.restartPolicy;
    delete container.startupProbe;
    if (proxy.await) {
      container.lifecycle = {
        postStart: {
          exec: { command: ['/usr/lib/linkerd/linkerd-await', '--timeout=2m', `--port=${proxy.ports.admin}`] },
        },
      };
    }
  }
  if (proxy.waitBeforeExitSeconds > 0) {
    container.lifecycle = {
      ...container.lifecycle,
      preStop: { exec: { command: ['/bin/sleep', String(proxy.waitBeforeExitSeconds)] } },
    };
  }
  return container;
}

/** TCP ports that the pod's containers declare, sidecars among them, in order. */
function inboundPorts(spec: any): string {
  const sidecars = (spec?.initContainers ?? []).filter((each: any) => each.restartPolicy === 'Always');
  const ports = new Set<number>();
  for (const { ports: declared = [] } of [...(spec?.containers ?? []), ...sidecars]) {
    for (const { containerPort, protocol = 'TCP' } of declared) if (protocol === 'TCP') ports.add(containerPort);
  }
  return [...ports].sort((a, b) => a - b).join(',');
}
