import type { KubeObject } from '#kube/api/types.ts';
import { rfc1123 } from '../instants.ts';
import { formatLabels } from '../table.ts';
import { header, labelsAndAnnotations, type Writer } from './write.ts';

// biome-ignore lint/suspicious/noExplicitAny: specifications are read field by field.
type Fields = any;

export function describeBudget(w: Writer, object: KubeObject): void {
  const { spec = {}, status = {} } = object;
  header(w, object);
  if (spec.minAvailable !== undefined) w.line(0, `Min available:\t${spec.minAvailable}`);
  else if (spec.maxUnavailable !== undefined) w.line(0, `Max unavailable:\t${spec.maxUnavailable}`);
  w.line(0, `Selector:\t${formatLabels(spec.selector?.matchLabels)}`);
  w.line(0, 'Status:');
  w.line(2, `Allowed disruptions:\t${status.disruptionsAllowed ?? 0}`);
  w.line(2, `Current:\t${status.currentHealthy ?? 0}`);
  w.line(2, `Desired:\t${status.desiredHealthy ?? 0}`);
  w.line(2, `Total:\t${status.expectedPods ?? 0}`);
}

export function describeScaler(w: Writer, object: KubeObject): void {
  const { metadata, spec = {}, status = {} } = object;
  header(w, object);
  labelsAndAnnotations(w, object);
  w.line(0, `CreationTimestamp:\t${rfc1123(metadata.creationTimestamp)}`);
  w.line(0, `Reference:\t${spec.scaleTargetRef?.kind}/${spec.scaleTargetRef?.name}`);
  w.line(0, 'Metrics:\t( current / target )');
  const current: Fields[] = status.currentMetrics ?? [];
  for (const [i, metric] of (spec.metrics ?? []).entries()) metricLine(w, metric, current[i]);
  w.line(0, `Min replicas:\t${spec.minReplicas ?? '<unset>'}`);
  w.line(0, `Max replicas:\t${spec.maxReplicas}`);
  w.line(
    0,
    `${spec.scaleTargetRef?.kind} pods:\t${status.currentReplicas ?? 0} current / ${status.desiredReplicas ?? 0} desired`,
  );
  const conditions: Fields[] = status.conditions ?? [];
  if (conditions.length === 0) return;
  w.line(0, 'Conditions:');
  w.line(1, 'Type\tStatus\tReason\tMessage');
  w.line(1, '----\t------\t------\t-------');
  for (const { type, status: state, reason, message } of conditions) {
    w.line(1, `${type}\t${state}\t${reason ?? ''}\t${message ?? ''}`);
  }
}

function metricLine(w: Writer, metric: Fields, current: Fields): void {
  if (metric.type !== 'Resource') {
    w.line(1, `<unknown metric type ${JSON.stringify(metric.type)}>`);
    return;
  }
  const { name, target } = metric.resource;
  const now = current?.resource?.current;
  if (target.averageValue !== undefined) {
    w.line(1, `resource ${name} on pods:\t${now?.averageValue ?? '<unknown>'} / ${target.averageValue}`);
    return;
  }
  const share =
    now?.averageUtilization === undefined ? '<unknown>' : `${now.averageUtilization}% (${now.averageValue})`;
  const wanted = target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`;
  w.line(1, `resource ${name} on pods  (as a percentage of request):\t${share} / ${wanted}`);
}
