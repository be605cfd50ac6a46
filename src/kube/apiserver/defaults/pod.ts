import type { KubeObject } from '#kube/api/types.ts';

type Fields = Record<string, KubeObject['spec']>;

const set = (object: Fields, field: string, value: unknown): void => {
  if (object[field] === undefined || object[field] === null) object[field] = value;
};

/** Defaults of a pod's specification. Source: pkg/apis/core/v1/defaults.go. */
export function defaultPodSpec(spec: Fields): void {
  set(spec, 'restartPolicy', 'Always');
  set(spec, 'terminationGracePeriodSeconds', 30);
  set(spec, 'dnsPolicy', 'ClusterFirst');
  set(spec, 'securityContext', {});
  set(spec, 'schedulerName', 'default-scheduler');
  // The old spelling of a service account is kept in step with the new one.
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  if (spec.serviceAccount && !spec.serviceAccountName) spec.serviceAccountName = spec.serviceAccount;
  for (const container of [
    ...(spec.containers ?? []),
    ...(spec.initContainers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ])
    defaultContainer(container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
}

function defaultContainer(container: Fields): void {
  set(container, 'terminationMessagePath', '/dev/termination-log');
  set(container, 'terminationMessagePolicy', 'File');
  set(container, 'imagePullPolicy', pullPolicy(container.image ?? ''));
  set(container, 'resources', {});
  const { resources } = container;
  if (resources.limits) {
    // A limit without a request is the request as well.
    resources.requests = { ...resources.limits, ...resources.requests };
  }
  for (const port of container.ports ?? []) set(port, 'protocol', 'TCP');
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'])
    if (container[name]) defaultProbe(container[name]);
  for (const handler of Object.values(container.lifecycle ?? {}) as Fields[])
    if (handler?.httpGet) defaultHttpGet(handler.httpGet);
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) set(valueFrom.fieldRef, 'apiVersion', 'v1');
    if (valueFrom?.resourceFieldRef) set(valueFrom.resourceFieldRef, 'divisor', '0');
  }
}

function defaultProbe(probe: Fields): void {
  // A zero is not written out.
  if (probe.initialDelaySeconds === 0) delete probe.initialDelaySeconds;
  set(probe, 'timeoutSeconds', 1);
  set(probe, 'periodSeconds', 10);
  set(probe, 'successThreshold', 1);
  set(probe, 'failureThreshold', 3);
  if (probe.httpGet) defaultHttpGet(probe.httpGet);
  if (probe.grpc) set(probe.grpc, 'service', '');
}

function defaultHttpGet(get: Fields): void {
  set(get, 'path', '/');
  set(get, 'scheme', 'HTTP');
}

function defaultVolume(volume: Fields): void {
  const sources = Object.keys(volume).filter((key) => key !== 'name');
  if (sources.length === 0) volume.emptyDir = {};
  for (const source of ['secret', 'configMap', 'projected', 'downwardAPI'])
    if (volume[source]) set(volume[source], 'defaultMode', 420);
  for (const projection of volume.projected?.sources ?? []) {
    if (projection.serviceAccountToken) set(projection.serviceAccountToken, 'expirationSeconds', 3600);
    for (const item of projection.downwardAPI?.items ?? []) downward(item);
  }
  for (const item of volume.downwardAPI?.items ?? []) downward(item);
  if (volume.hostPath) set(volume.hostPath, 'type', '');
}

/** Always for `:latest` and for no tag, else IfNotPresent. */
function pullPolicy(image: string): string {
  const name = image.split('@')[0]!;
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  if (image.includes('@')) return 'IfNotPresent';
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function downward(item: Fields): void {
  if (item.fieldRef) set(item.fieldRef, 'apiVersion', 'v1');
  if (item.resourceFieldRef) set(item.resourceFieldRef, 'divisor', '0');
}
