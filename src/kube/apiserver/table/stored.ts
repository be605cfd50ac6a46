import type { KubeObject } from '#kube/api/types.ts';
import { ageSince } from './age.ts';
import type { Cells } from './cells.ts';
import { labelText, none } from './core.ts';

const age = (object: KubeObject, now: number): string => ageSince(object.metadata.creationTimestamp, now);

const MODES: Record<string, string> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const modesOf = (modes: string[] | undefined): string =>
  Object.entries(MODES)
    .filter(([mode]) => (modes ?? []).includes(mode))
    .map(([, short]) => short)
    .join(',');

const UNSET = '<unset>';

interface Container {
  name: string;
  image: string;
}
const list = (containers: Container[] | undefined, field: 'name' | 'image'): string =>
  (containers ?? []).map((container) => container[field]).join(',');

/** `cpu: 1/2, pods: 0/10` for the names that a filter takes. */
function quotaText(object: KubeObject, takes: (name: string) => boolean): string {
  const { hard = {}, used = {} } = object.status ?? {};
  return Object.keys(hard)
    .filter(takes)
    .sort()
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ');
}

/** Rows of kinds that are kept, most of them without anything acting on them. */
export const storedCells: Record<string, Cells> = {
  '/persistentvolumeclaims': (object, now) => {
    const { spec = {}, status = {}, metadata } = object;
    const isBound = Boolean(spec.volumeName);
    return [
      metadata.name,
      metadata.deletionTimestamp ? 'Terminating' : (status.phase ?? 'Pending'),
      spec.volumeName ?? '',
      isBound ? (status.capacity?.storage ?? '') : '',
      isBound ? modesOf(status.accessModes) : '',
      spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? UNSET,
      age(object, now),
      spec.volumeMode ?? UNSET,
    ];
  },
  '/persistentvolumes': (object, now) => {
    const { spec = {}, status = {}, metadata } = object;
    return [
      metadata.name,
      spec.capacity?.storage ?? '',
      modesOf(spec.accessModes),
      spec.persistentVolumeReclaimPolicy ?? '',
      metadata.deletionTimestamp ? 'Terminating' : (status.phase ?? ''),
      spec.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : '',
      spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? UNSET,
      status.reason ?? '',
      age(object, now),
      spec.volumeMode ?? UNSET,
    ];
  },
  '/limitranges': (object) => [object.metadata.name, object.metadata.creationTimestamp ?? '<unknown>'],
  '/resourcequotas': (object, now) => [
    object.metadata.name,
    quotaText(object, (name) => !name.startsWith('limits')),
    quotaText(object, (name) => name.startsWith('limits')),
    age(object, now),
  ],
  '/replicationcontrollers': (object, now) => {
    const { spec = {}, status = {}, metadata } = object;
    const containers = spec.template?.spec?.containers;
    return [
      metadata.name,
      spec.replicas ?? 0,
      status.replicas ?? 0,
      status.readyReplicas ?? 0,
      age(object, now),
      list(containers, 'name'),
      list(containers, 'image'),
      labelText(spec.selector),
    ];
  },
  '/podtemplates': (object) => {
    const { metadata, spec } = object.template ?? {};
    return [
      object.metadata.name,
      list(spec?.containers, 'name'),
      list(spec?.containers, 'image'),
      labelText(metadata?.labels),
    ];
  },
  'networking.k8s.io/ingresses': (object, now) => {
    const { spec = {}, status = {}, metadata } = object;
    const hosts = ((spec.rules ?? []) as { host?: string }[]).flatMap(({ host }) => (host ? [host] : []));
    const shown = hosts.length > 3 ? `${hosts.slice(0, 3).join(',')} + ${hosts.length - 3} more...` : hosts.join(',');
    const addresses = ((status.loadBalancer?.ingress ?? []) as { ip?: string; hostname?: string }[])
      .map(({ ip, hostname }) => ip ?? hostname ?? '')
      .join(',');
    return [
      metadata.name,
      none(spec.ingressClassName),
      hosts.length > 0 ? shown : '*',
      addresses,
      spec.tls?.length ? '80, 443' : '80',
      age(object, now),
    ];
  },
  'networking.k8s.io/ingressclasses': (object, now) => {
    const { controller, parameters } = object.spec ?? {};
    const named = parameters && `${parameters.kind}.${parameters.apiGroup ?? ''}/${parameters.name}`;
    return [object.metadata.name, controller ?? '', none(named), age(object, now)];
  },
  'networking.k8s.io/servicecidrs': (object, now) => [
    object.metadata.name,
    (object.spec?.cidrs ?? []).join(','),
    age(object, now),
  ],
  'networking.k8s.io/ipaddresses': (object) => {
    const { group, resource, namespace, name } = object.spec?.parentRef ?? {};
    return [
      object.metadata.name,
      [group ? `${resource}.${group}` : resource, namespace, name].filter(Boolean).join('/'),
    ];
  },
  'node.k8s.io/runtimeclasses': (object, now) => [object.metadata.name, object.handler ?? '', age(object, now)],
  'certificates.k8s.io/certificatesigningrequests': (object, now) => {
    const { spec = {}, status = {} } = object;
    const types = ((status.conditions ?? []) as { type: string }[]).map(({ type }) => type);
    const state = [
      types.includes('Denied') ? 'Denied' : types.includes('Approved') ? 'Approved' : 'Pending',
      ...(types.includes('Failed') ? ['Failed'] : []),
      ...(status.certificate ? ['Issued'] : []),
    ];
    const seconds: number | undefined = spec.expirationSeconds;
    return [
      object.metadata.name,
      age(object, now),
      spec.signerName ?? '<none>',
      spec.username ?? '',
      seconds === undefined ? '<none>' : ageSince(new Date(now - seconds * 1000).toISOString(), now),
      state.join(','),
    ];
  },
  'admissionregistration.k8s.io/validatingadmissionpolicies': (object, now) => {
    const kind = object.spec?.paramKind;
    return [
      object.metadata.name,
      (object.spec?.validations ?? []).length,
      kind ? `${kind.apiVersion}/${kind.kind}` : UNSET,
      age(object, now),
    ];
  },
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': (object, now) => {
    const { policyName, paramRef } = object.spec ?? {};
    const named = paramRef && (paramRef.name ? `${paramRef.namespace ?? '*'}/${paramRef.name}` : UNSET);
    return [object.metadata.name, policyName ?? '', named ?? UNSET, age(object, now)];
  },
};
