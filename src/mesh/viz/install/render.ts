import type { KubeObject } from '#kube/api/types.ts';
import { EXTENSION, NAMESPACE } from '../labels.ts';
import { metricsApi, metricsApiAccess, metricsApiPolicy } from './metrics-api.ts';
import type { VizPairs } from './pairs.ts';
import { Plan, POLICY } from './plan.ts';
import { profiles } from './profiles.ts';
import { prometheus, prometheusAccess, prometheusPolicy } from './prometheus.ts';
import { tapAccess, tapObjects } from './tap.ts';
import type { VizValues } from './values.ts';

/** Where viz finds a Prometheus that is not its own. */
const EXTERNAL = 'viz.linkerd.io/external-prometheus';

/**
 * The extension: metrics API, Prometheus and tap, and who may do what. The dashboard is not part of it. Throws an Error
 * where nothing would hold the metrics.
 */
export function renderViz(values: VizValues, pairs: VizPairs): KubeObject[] {
  const plan = new Plan(values);
  const { prometheusUrl } = values;
  const { enabled } = values.prometheus;
  if (!prometheusUrl && !enabled) {
    throw new Error(
      'Please enable `linkerd-prometheus` or provide `prometheusUrl` for the viz extension to function properly',
    );
  }
  return [
    {
      kind: 'Namespace',
      apiVersion: 'v1',
      metadata: {
        name: NAMESPACE,
        labels: {
          [EXTENSION]: 'viz',
          'pod-security.kubernetes.io/enforce': values.cniEnabled ? 'restricted' : 'privileged',
        },
        ...(prometheusUrl ? { annotations: { [EXTERNAL]: prometheusUrl } } : {}),
      },
    },
    ...metricsApiAccess(plan),
    ...(enabled ? prometheusAccess(plan) : []),
    ...tapAccess(plan, pairs.tap),
    ...metricsApi(plan),
    ...metricsApiPolicy(plan),
    // Neither says from where it calls, so both may come from anywhere, as upstream has it.
    ...['kube-api-server', 'kubelet'].map((name) => ({
      apiVersion: `${POLICY}/v1alpha1`,
      kind: 'NetworkAuthentication',
      metadata: plan.metadata(name, {}, plan.createdBy),
      spec: { networks: [{ cidr: '0.0.0.0/0' }, { cidr: '::/0' }] },
    })),
    ...(enabled ? prometheus(plan) : []),
    ...prometheusPolicy(plan),
    ...tapObjects(plan, pairs),
    ...profiles(plan),
  ];
}
