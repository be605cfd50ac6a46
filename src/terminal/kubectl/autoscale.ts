import type { KubeObject } from '#kube/api/types.ts';
import { dryRunOf } from './changed.ts';
import { requireFlags } from './create/name.ts';
import { createMade } from './create.ts';
import { CliError } from './errors.ts';
import { fetchItems, forEachItem } from './targets.ts';
import type { Invocation } from './verb.ts';

const SCALED = new Set(['deployments', 'replicasets', 'statefulsets', 'replicationcontrollers']);

export async function autoscale(k: Invocation): Promise<void> {
  requireFlags(k, 'max');
  const { flags } = k;
  const [min, max] = [flags.int('min'), flags.int('max')];
  if (max < 1) throw new CliError(`--max=MAXPODS is required and must be at least 1, max: ${max}`);
  if (max < min) {
    throw new CliError(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`);
  }
  const metrics = [metricOf('cpu', cpuOf(k)), metricOf('memory', flags.get('memory'))].filter(
    (each) => each !== undefined,
  );
  const { items, errors } = await fetchItems(k);
  await forEachItem(items, errors, async ({ object, resource }) => {
    if (!SCALED.has(resource.resource)) {
      const gvr = `${resource.group}/${resource.version}, Resource=${resource.resource}`;
      throw new CliError(
        `cannot autoscale a ${object.kind}: could not find scale subresource for ${gvr} in discovery information`,
      );
    }
    const scaler: KubeObject = {
      kind: 'HorizontalPodAutoscaler',
      apiVersion: 'autoscaling/v2',
      metadata: { name: flags.get('name') || object.metadata.name!, namespace: k.namespace },
      spec: {
        scaleTargetRef: { kind: object.kind, name: object.metadata.name, apiVersion: object.apiVersion },
        ...(min > 0 ? { minReplicas: min } : {}),
        maxReplicas: max,
        ...(metrics.length > 0 ? { metrics } : {}),
      },
      status: { desiredReplicas: 0, currentMetrics: null },
    };
    await createMade(k, scaler, {
      operation: dryRunOf(k) === 'client' ? 'created' : 'autoscaled',
      manager: 'kubectl-autoscale',
    });
  });
}

const cpuOf = (k: Invocation): string =>
  k.flags.int('cpu-percent') > 0 ? `${k.flags.int('cpu-percent')}%` : k.flags.get('cpu');

/** `50%` is a share of what is requested, everything else a quantity. */
function metricOf(name: string, text: string): object | undefined {
  if (text === '') return undefined;
  const share = /^(\d+)%?$/.exec(text);
  const isShare = text.endsWith('%');
  if (isShare && !share) throw new CliError(`invalid ${name} value ${JSON.stringify(text)}`);
  const target = isShare
    ? { type: 'Utilization', averageUtilization: Number(share![1]) }
    : { type: 'AverageValue', averageValue: text };
  return { type: 'Resource', resource: { name, target } };
}
