import type { KubeObject } from '#kube/api/types.ts';
import { NAMESPACE } from '../labels.ts';
import { adminPolicies } from './admin-policy.ts';
import { controllerObjects } from './controllers.ts';
import { gatewayObjects } from './gateway.ts';
import { linkCrd } from './link-crd.ts';
import { localMirrorObjects } from './local-mirror.ts';
import type { Plan } from './parts.ts';
import { remoteAccessObjects } from './remote-access.ts';
import type { MulticlusterValues } from './values.ts';

/** What `linkerd multicluster install` prints, in the order in which it is to be applied. */
export function renderMulticluster(values: MulticlusterValues, namespace = NAMESPACE): KubeObject[] {
  const plan: Plan = { namespace, values };
  return [
    extensionNamespace(plan),
    ...gatewayObjects(plan),
    ...remoteAccessObjects(plan),
    linkCrd(plan),
    ...adminPolicies(plan),
    ...localMirrorObjects(plan),
    ...controllerObjects(plan),
  ];
}

/** What `linkerd multicluster allow` prints: one more account for other clusters. */
export function renderAllow(values: MulticlusterValues, namespace: string): KubeObject[] {
  const plan: Plan = { namespace, values };
  return [extensionNamespace(plan), ...remoteAccessObjects(plan)];
}

const extensionNamespace = ({ namespace, values }: Plan): KubeObject => ({
  kind: 'Namespace',
  apiVersion: 'v1',
  metadata: {
    name: namespace,
    labels: {
      'linkerd.io/extension': 'multicluster',
      'pod-security.kubernetes.io/enforce': values.cniEnabled ? 'restricted' : 'privileged',
    },
  },
});
