import { nameSuffix } from '#base/ids.ts';
import { failure } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';
import type { AdmissionPlugin } from '../seams.ts';

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Gives a new pod its service account and mounts that account's token. Source: plugin/pkg/admission/serviceaccount. */
export function serviceAccountAdmission(store: Store): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    concerns: ['pods'],
    async mutate({ operation, resource, group, subresource, namespace }, pod) {
      if (operation !== 'CREATE' || group !== '' || resource !== 'pods' || subresource || !pod?.spec) return pod;
      const { spec } = pod;
      spec.serviceAccountName ||= 'default';
      spec.serviceAccount = spec.serviceAccountName;
      const account = store.get('/serviceaccounts', namespace, spec.serviceAccountName);
      if (!account) {
        throw failure(
          'Forbidden',
          // Upstream's admission comes before a name is generated; a message that stays the same is told once.
          `pods ${JSON.stringify(pod.metadata.generateName ?? pod.metadata.name)} is forbidden: error looking up service account ${namespace}/${spec.serviceAccountName}: serviceaccount ${JSON.stringify(spec.serviceAccountName)} not found`,
          { name: pod.metadata.name!, kind: 'pods' },
        );
      }
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod);
      return pod;
    },
  };
}

function mountToken({ spec }: KubeObject): void {
  const containers: { volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[] }[] = [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
  ];
  const without = containers.filter((container) => !container.volumeMounts?.some((mount) => mount.mountPath === MOUNT));
  if (without.length === 0) return;
  const existing = (spec.volumes ?? []).find((volume: { name: string }) => volume.name.startsWith('kube-api-access-'));
  const name: string = existing?.name ?? `kube-api-access-${nameSuffix()}`;
  if (!existing) {
    spec.volumes = [
      ...(spec.volumes ?? []),
      {
        name,
        projected: {
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            {
              downwardAPI: {
                items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
              },
            },
          ],
          defaultMode: 420,
        },
      },
    ];
  }
  for (const container of without)
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT }];
}

const TOLERATIONS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** Pods tolerate a node that is away for five minutes, unless they say otherwise; and get their default priority. */
export const podDefaultsAdmission: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  concerns: ['pods'],
  async mutate({ operation, resource, group, subresource }, pod) {
    if (operation !== 'CREATE' || group !== '' || resource !== 'pods' || subresource || !pod?.spec) return pod;
    const { spec } = pod;
    spec.tolerations ??= [];
    for (const key of TOLERATIONS) {
      if (
        !spec.tolerations.some(
          (one: { key?: string; operator?: string }) => one.key === key || (!one.key && one.operator === 'Exists'),
        )
      ) {
        spec.tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
      }
    }
    spec.priority ??= 0;
    spec.preemptionPolicy ??= 'PreemptLowerPriority';
    spec.enableServiceLinks ??= true;
    return pod;
  },
};
