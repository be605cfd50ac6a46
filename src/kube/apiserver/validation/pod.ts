import type { KubeObject } from '#kube/api/types.ts';

/** Collects causes of an Invalid status, in upstream's words. */
export interface Causes {
  required(field: string, detail?: string): void;
  invalid(field: string, value: unknown, why: string): void;
  forbidden(field: string, why: string): void;
  unsupported(field: string, value: unknown, supported: string[]): void;
  duplicate(field: string, value: unknown): void;
  notFound(field: string, value: unknown): void;
}

interface Container {
  name?: string;
  image?: string;
  imagePullPolicy?: string;
  ports?: { name?: string; containerPort?: number }[];
  volumeMounts?: { name: string; mountPath?: string }[];
  env?: { name?: string }[];
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/** What is wrong with a pod's specification. `claims` are volumes that a StatefulSet's claim templates give. */
export function podSpecCauses(spec: KubeObject['spec'], path: string, add: Causes, claims: string[] = []): void {
  const containers: Container[] = spec.containers ?? [];
  if (containers.length === 0) add.required(`${path}.containers`);
  const volumes = new Set<string>();
  for (const [i, volume] of (spec.volumes ?? []).entries()) {
    if (!volume.name) add.required(`${path}.volumes[${i}].name`);
    else if (volumes.has(volume.name)) add.duplicate(`${path}.volumes[${i}].name`, volume.name);
    volumes.add(volume.name);
  }
  for (const claim of claims) volumes.add(claim);
  const names = new Set<string>();
  for (const [field, list] of [
    ['initContainers', spec.initContainers ?? []],
    ['containers', containers],
  ] as [string, Container[]][]) {
    for (const [i, container] of list.entries())
      containerCauses(container, `${path}.${field}[${i}]`, names, volumes, add);
  }
  if (!['Always', 'OnFailure', 'Never'].includes(spec.restartPolicy))
    add.unsupported(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']);
}

function containerCauses(
  container: Container,
  path: string,
  names: Set<string>,
  volumes: Set<string>,
  add: Causes,
): void {
  if (!container.name) add.required(`${path}.name`);
  else if (!DNS_LABEL.test(container.name)) add.invalid(`${path}.name`, container.name, DNS_LABEL_TEXT);
  else if (names.has(container.name)) add.duplicate(`${path}.name`, container.name);
  names.add(container.name ?? '');
  if (!container.image) add.required(`${path}.image`);
  if (container.imagePullPolicy && !['Always', 'IfNotPresent', 'Never'].includes(container.imagePullPolicy))
    add.unsupported(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']);
  for (const [i, port] of (container.ports ?? []).entries()) {
    if (!Number.isInteger(port.containerPort) || port.containerPort! < 1 || port.containerPort! > 65_535)
      add.invalid(
        `${path}.ports[${i}].containerPort`,
        port.containerPort ?? 0,
        'must be between 1 and 65535, inclusive',
      );
  }
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    if (!volumes.has(mount.name)) add.notFound(`${path}.volumeMounts[${i}].name`, mount.name);
    if (!mount.mountPath) add.required(`${path}.volumeMounts[${i}].mountPath`);
  }
  for (const [i, { name }] of (container.env ?? []).entries()) if (!name) add.required(`${path}.env[${i}].name`);
}
