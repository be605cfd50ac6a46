import type { KubeObject } from '#kube/api/types.ts';
import { createMade } from './create.ts';
import { CliError } from './errors.ts';
import { groupKind } from './output.ts';
import { type Container, containersOf } from './pod-template.ts';
import { fetchItems, forEachItem, hasFiles } from './targets.ts';
import type { Invocation } from './verb.ts';

type Labels = Record<string, string>;
interface Port {
  name?: string;
  port: number;
  protocol?: string;
}

export async function expose(k: Invocation): Promise<void> {
  const { items, errors } = await fetchItems(k);
  if (items.length > 1 && k.flags.get('name')) throw new CliError('cannot use --name with more than one object');
  await forEachItem(items, errors, async ({ object }) => {
    const { flags } = k;
    const selector = flags.get('selector') ? labelsOf(flags.get('selector')) : selectorOf(object);
    const name = (flags.get('name') || object.metadata.name!).slice(0, 63);
    const headless = flags.get('cluster-ip') === 'None';
    const ports = portsOf(k, object, headless);
    const labels = flags.get('labels') ? labelsOf(flags.get('labels')) : object.metadata.labels;
    await createMade(k, service(k, name, selector, ports, labels), { operation: 'exposed', manager: 'kubectl-expose' });
  });
  void hasFiles;
}

export const labelsOf = (text: string): Labels =>
  Object.fromEntries(
    text.split(',').map((each) => {
      const equals = each.indexOf('=');
      if (equals < 0) throw new CliError(`unexpected label spec: ${each}`);
      return [each.slice(0, equals), each.slice(equals + 1)];
    }),
  );

/** What a Service must select to reach the pods of an object. */
function selectorOf(object: KubeObject): Labels {
  const { kind, metadata } = object;
  const spec = object['spec'] ?? {};
  switch (kind) {
    case 'Pod':
      if (Object.keys(metadata.labels ?? {}).length === 0) {
        throw new CliError('the pod has no labels and cannot be exposed');
      }
      return metadata.labels!;
    case 'Service':
      if (!spec.selector) throw new CliError('the service has no pod selector set');
      return spec.selector;
    case 'ReplicationController':
      return spec.selector;
    case 'Deployment':
    case 'ReplicaSet':
      if ((spec.selector?.matchExpressions ?? []).length > 0) {
        throw new CliError('couldn\'t convert expressions - "[]" to map-based selector format');
      }
      return spec.selector.matchLabels;
    default:
      throw new CliError(`cannot expose a ${groupKind(object)}`);
  }
}

function portsOf(k: Invocation, object: KubeObject, headless: boolean): Port[] {
  const protocol = k.flags.get('protocol');
  if (k.flags.get('port')) {
    return k.flags
      .get('port')
      .split(',')
      .map((text) => ({ port: Number(text), protocol: protocol || protocolOf(object, Number(text)) || 'TCP' }));
  }
  const found = portsIn(object);
  if (found.length === 0 && !headless) throw new CliError("couldn't find port via --port flag or introspection");
  return found.map(({ port, protocol: own }) => ({ port, protocol: protocol || own || 'TCP' }));
}

function portsIn(object: KubeObject): { port: number; protocol?: string | undefined }[] {
  if (object.kind === 'Service') {
    return (object['spec'].ports as Port[]).map(({ port, protocol }) => ({ port, protocol }));
  }
  const spec = object.kind === 'Pod' ? object['spec'] : object['spec']?.template?.spec;
  return containersOf(spec ?? {}, false).flatMap((container: Container) =>
    (container.ports ?? []).map(({ containerPort, protocol }) => ({ port: containerPort, protocol })),
  );
}

const protocolOf = (object: KubeObject, port: number): string | undefined =>
  portsIn(object).find((each) => each.port === port)?.protocol;

function service(k: Invocation, name: string, selector: Labels, ports: Port[], labels: Labels | undefined): KubeObject {
  const { flags } = k;
  const wished = flags.get('target-port');
  const target = (port: number) => (wished === '' ? port : /^\d+$/.test(wished) ? Number(wished) : wished);
  const external = flags.get('external-ip');
  const clusterIP = flags.get('cluster-ip');
  const named = ports.length > 1;
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: {
      name,
      ...(k.namespace ? { namespace: k.namespace } : {}),
      ...(labels && Object.keys(labels).length > 0 ? { labels } : {}),
    },
    spec: {
      ...(ports.length > 0
        ? {
            ports: ports.map(({ port, protocol }, i) => ({
              ...(named ? { name: `port-${i + 1}` } : {}),
              protocol,
              port,
              targetPort: target(port),
            })),
          }
        : {}),
      selector,
      ...(clusterIP ? { clusterIP } : {}),
      ...(flags.get('type') ? { type: flags.get('type') } : {}),
      ...(external ? { externalIPs: external.split(',') } : {}),
      ...(flags.get('session-affinity') ? { sessionAffinity: flags.get('session-affinity') } : {}),
      ...(flags.get('load-balancer-ip') ? { loadBalancerIP: flags.get('load-balancer-ip') } : {}),
    },
    status: { loadBalancer: {} },
  };
}
