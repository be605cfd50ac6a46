import { ownedBy } from '#kube/api/owner.ts';
import { same } from '#kube/api/patch/field-set.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, keyOf, MANAGER, splitKey } from './context.ts';
import { WorkQueue } from './queue.ts';

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MIRROR = 'endpointslicemirroring-controller.k8s.io';
const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
/** Annotations that stay with the Endpoints. */
const NOT_COPIED = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'endpoints.kubernetes.io/last-change-trigger-time',
];

interface Subset {
  addresses?: { ip: string; hostname?: string; nodeName?: string; targetRef?: object }[];
  notReadyAddresses?: Subset['addresses'];
  ports?: { name?: string; port: number; protocol?: string; appProtocol?: string }[];
}

/**
 * Endpoints that somebody wrote for a Service without a selector, as the slices that everything reads. Source:
 * pkg/controller/endpointslicemirroring.
 */
export function startEndpointMirror(context: ControllerContext): WorkQueue {
  const endpoints = context.informer('endpoints');
  const services = context.informer('services');
  const slices = context.informer('endpointslices');
  const queue = new WorkQueue(context.clock, (key) => reconcile(key));
  endpoints.onChange(({ object }) => queue.add(keyOf(object)));
  services.onChange(({ object }) => queue.add(keyOf(object)));

  async function reconcile(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const source = endpoints.get(namespace, name);
    // The slices go with their owner.
    if (!source) return;
    const service = services.get(namespace, name);
    const own = slices.byIndex('controller', source.metadata.uid!);
    const isMirrored =
      service !== undefined &&
      !service.spec.selector &&
      source.metadata.labels?.[SKIP] !== 'true' &&
      !source.metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'];
    const wanted = isMirrored ? ((source['subsets'] ?? []) as Subset[]).map((subset) => contentOf(subset)) : [];
    const { [MANAGED_BY]: _, ...labels } = source.metadata.labels ?? {};
    const annotations = Object.fromEntries(
      Object.entries(source.metadata.annotations ?? {}).filter(([name]) => !NOT_COPIED.includes(name)),
    );
    for (const [i, content] of wanted.entries()) {
      const before = own[i];
      if (!before) {
        await context.client.create(
          context.target('endpointslices', namespace),
          {
            apiVersion: 'discovery.k8s.io/v1',
            kind: 'EndpointSlice',
            metadata: {
              generateName: `${name}-`,
              namespace,
              labels: { ...labels, [MANAGED_BY]: MIRROR, 'kubernetes.io/service-name': name },
              ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
              ownerReferences: [ownedBy(source)],
            },
            ...content,
          },
          { fieldManager: MANAGER },
        );
      } else if (
        !same(
          [before['endpoints'] ?? [], before['ports'] ?? [], before.metadata.annotations ?? {}],
          [content.endpoints, content.ports, annotations],
        )
      ) {
        await context.client.update(
          context.target('endpointslices', namespace),
          { ...before, ...content, metadata: { ...before.metadata, annotations } },
          { fieldManager: MANAGER },
        );
      }
    }
    for (const spare of own.slice(wanted.length)) await context.remove('endpointslices', spare);
  }
  return queue;
}

function contentOf(subset: Subset): { addressType: string; endpoints: object[]; ports: KubeObject['ports'] } {
  const endpoint = (ready: boolean) => (address: NonNullable<Subset['addresses']>[number]) => ({
    addresses: [address.ip],
    conditions: { ready },
    ...(address.hostname ? { hostname: address.hostname } : {}),
    ...(address.nodeName ? { nodeName: address.nodeName } : {}),
    ...(address.targetRef ? { targetRef: address.targetRef } : {}),
  });
  return {
    addressType: 'IPv4',
    endpoints: [
      ...(subset.addresses ?? []).map(endpoint(true)),
      ...(subset.notReadyAddresses ?? []).map(endpoint(false)),
    ],
    ports: (subset.ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol ? { appProtocol } : {}),
    })),
  };
}
