import { ownedBy } from '#kube/api/owner.ts';
import { same } from '#kube/api/patch/field-set.ts';
import { matchesSelector } from '#kube/api/selectors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, ignoreGone, isReady, keyOf, MANAGER, splitKey } from './context.ts';
import { WorkQueue } from './queue.ts';

/** A slice holds no more endpoints. */
const PER_SLICE = 100;
const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const CONTROLLER = 'endpointslice-controller.k8s.io';
/** Lists of slices that hold nothing are null. */
const orNull = <T>(list: T[]): T[] | null => (list.length > 0 ? list : null);

interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
  protocol?: string;
  appProtocol?: string;
}
interface Address {
  ip: string;
  ready: boolean;
  terminating: boolean;
  pod: KubeObject;
  /** Target port by the name of the Service's port. */
  ports: Map<string, number>;
}

/** Follows the pods behind each Service into its EndpointSlice and Endpoints. Source: pkg/controller/endpointslice. */
export function startEndpoints(context: ControllerContext): WorkQueue {
  const services = context.informer('services');
  const pods = context.informer('pods');
  const slices = context.informer('endpointslices');
  const endpoints = context.informer('endpoints');
  const queue = new WorkQueue(context.clock, (key) => reconcile(key), 8);
  services.onChange(({ object }) => queue.add(keyOf(object)));
  pods.onChange((event) => {
    if (event.type === 'update' && !matters(event.old, event.object)) return;
    for (const service of services.byIndex('namespace', event.object.metadata.namespace!)) {
      const selects = (pod: KubeObject | undefined) => pod !== undefined && selectsPod(service, pod);
      if (selects(event.object) || selects(event.old)) queue.add(keyOf(service));
    }
  });

  async function reconcile(key: string): Promise<void> {
    const [namespace, name] = splitKey(key);
    const service = services.get(namespace, name);
    if (!service) {
      const stale = endpoints.get(namespace, name);
      if (stale) await context.remove('endpoints', stale);
      return;
    }
    if (!service.spec.selector || service.spec.type === 'ExternalName') return;
    const addresses = pods
      .byIndex('namespace', namespace)
      .filter(
        (pod) => selectsPod(service, pod) && pod.status?.podIP && !['Succeeded', 'Failed'].includes(pod.status.phase),
      )
      .map((pod) => addressOf(service, pod));
    await Promise.all([writeSlices(service, addresses), writeEndpoints(service, addresses)]);
  }

  async function writeSlices(service: KubeObject, addresses: Address[]): Promise<void> {
    const { namespace, name } = service.metadata;
    // Other controllers make slices of a Service too.
    const own = slices
      .byIndex('controller', service.metadata.uid!)
      .filter(({ metadata }) => metadata.labels?.[MANAGED_BY] === CONTROLLER);
    // Pods that spell a named port differently live in a slice of their own.
    const groups = new Map<string, Address[]>();
    for (const address of addresses) {
      const id = JSON.stringify([...address.ports]);
      groups.set(id, [...(groups.get(id) ?? []), address]);
    }
    if (groups.size === 0) groups.set('[]', []);
    const wanted = [...groups].flatMap(([id, members]) => {
      const ports = new Map<string, number>(JSON.parse(id));
      const parts = Math.max(1, Math.ceil(members.length / PER_SLICE));
      return Array.from({ length: parts }, (_, i) => ({
        ports,
        members: members.slice(i * PER_SLICE, (i + 1) * PER_SLICE),
      }));
    });
    for (const [i, { ports, members }] of wanted.entries()) {
      const content = {
        addressType: 'IPv4',
        endpoints: orNull(members.map((address) => endpointOf(service, address))),
        ports: orNull(
          (service.spec.ports ?? []).flatMap((port: ServicePort) => {
            const target = ports.get(port.name ?? '');
            return target === undefined
              ? []
              : [
                  {
                    name: port.name ?? '',
                    port: target,
                    protocol: port.protocol ?? 'TCP',
                    ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
                  },
                ];
          }),
        ),
      };
      const labels = {
        ...service.metadata.labels,
        [SERVICE_NAME]: name!,
        [MANAGED_BY]: CONTROLLER,
        ...(service.spec.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {}),
      };
      const before = own[i];
      if (!before) {
        await context.client.create(
          context.target('endpointslices', namespace),
          {
            apiVersion: 'discovery.k8s.io/v1',
            kind: 'EndpointSlice',
            metadata: {
              generateName: `${name}-`,
              namespace: namespace!,
              labels,
              annotations: { [TRIGGERED]: context.now() },
              ownerReferences: [ownedBy(service)],
            },
            ...content,
          },
          { fieldManager: MANAGER },
        );
      } else if (
        !same(
          { e: before.endpoints ?? null, p: before.ports ?? null, l: before.metadata.labels },
          { e: content.endpoints, p: content.ports, l: labels },
        )
      ) {
        await context.client.update(
          context.target('endpointslices', namespace),
          {
            ...before,
            ...content,
            metadata: {
              ...before.metadata,
              labels,
              annotations: { ...before.metadata.annotations, [TRIGGERED]: context.now() },
            },
          },
          { fieldManager: MANAGER },
        );
      }
    }
    for (const spare of own.slice(wanted.length)) await context.remove('endpointslices', spare);
  }

  async function writeEndpoints(service: KubeObject, addresses: Address[]): Promise<void> {
    const { namespace, name, labels } = service.metadata;
    const publish = service.spec.publishNotReadyAddresses === true;
    const shown = addresses.filter((address) => !address.terminating || publish);
    const ready = shown.filter((address) => address.ready || publish);
    const notReady = shown.filter((address) => !address.ready && !publish);
    const one = ({ ip, pod }: Address) => ({
      ...hostnameOf(service, pod),
      ip,
      nodeName: pod.spec.nodeName,
      targetRef: { kind: 'Pod', namespace, name: pod.metadata.name, uid: pod.metadata.uid },
    });
    const ports = (service.spec.ports ?? []).flatMap((port: ServicePort) => {
      const target = shown[0]?.ports.get(port.name ?? '');
      return target === undefined
        ? []
        : [{ ...(port.name ? { name: port.name } : {}), port: target, protocol: port.protocol ?? 'TCP' }];
    });
    const subsets =
      shown.length === 0
        ? []
        : [
            {
              ...(ready.length > 0 ? { addresses: ready.map(one) } : {}),
              ...(notReady.length > 0 ? { notReadyAddresses: notReady.map(one) } : {}),
              ports,
            },
          ];
    const before = endpoints.get(namespace!, name!);
    const metadata = {
      ...before?.metadata,
      name: name!,
      namespace: namespace!,
      labels: {
        ...labels,
        'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
        ...(service.spec.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {}),
      },
      annotations: { ...before?.metadata.annotations, [TRIGGERED]: context.now() },
    };
    const object: KubeObject = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata,
      ...(subsets.length > 0 ? { subsets } : {}),
    };
    if (!before)
      await context.client
        .create(context.target('endpoints', namespace), object, { fieldManager: MANAGER })
        .catch(() => queue.addAfter(keyOf(service), 50));
    else if (!same([before.subsets ?? [], before.metadata.labels], [subsets, metadata.labels]))
      await context.client
        .update(context.target('endpoints', namespace), object, { fieldManager: MANAGER })
        .catch(ignoreGone);
  }
  return queue;
}

/** When what endpoints follow last changed. */
const TRIGGERED = 'endpoints.kubernetes.io/last-change-trigger-time';

/** Whether a change of a pod can change the endpoints it stands for. */
function matters(before: KubeObject, now: KubeObject): boolean {
  const view = (pod: KubeObject) => [
    pod.status?.podIP,
    pod.status?.phase,
    isReady(pod),
    pod.metadata.deletionTimestamp,
    pod.metadata.labels,
    pod.spec.nodeName,
  ];
  return !same(view(before), view(now));
}

const selectsPod = ({ spec }: KubeObject, pod: KubeObject): boolean =>
  spec.selector && matchesSelector({ matchLabels: spec.selector }, pod.metadata.labels);

function addressOf(service: KubeObject, pod: KubeObject): Address {
  const ports = new Map<string, number>();
  for (const port of (service.spec.ports ?? []) as ServicePort[]) {
    const target = port.targetPort ?? port.port;
    const number = typeof target === 'number' ? target : namedPort(pod, target);
    if (number !== undefined) ports.set(port.name ?? '', number);
  }
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  return { ip: pod.status.podIP, ready: isReady(pod) && !terminating, terminating, pod, ports };
}

function namedPort(pod: KubeObject, name: string): number | undefined {
  const containers = [
    ...(pod.spec.containers ?? []),
    ...(pod.spec.initContainers ?? []).filter((c: { restartPolicy?: string }) => c.restartPolicy === 'Always'),
  ];
  for (const container of containers)
    for (const port of container.ports ?? []) if (port.name === name) return port.containerPort;
  return undefined;
}

/** The name that a pod has in DNS below a Service of its subdomain. */
function hostnameOf(service: KubeObject, pod: KubeObject): { hostname?: string } {
  const { hostname, subdomain } = pod.spec;
  return hostname && subdomain === service.metadata.name ? { hostname } : {};
}

function endpointOf(service: KubeObject, { ip, ready, terminating, pod }: Address) {
  const { nodeName } = pod.spec;
  return {
    addresses: [ip],
    conditions: { ready: ready || service.spec.publishNotReadyAddresses === true, serving: isReady(pod), terminating },
    ...hostnameOf(service, pod),
    ...(nodeName ? { nodeName } : {}),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
  };
}
