import type { KubeObject } from '#kube/api/types.ts';
import { durationText } from './age.ts';

interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount: number;
  started?: boolean;
  state?: Record<string, { reason?: string; exitCode?: number; signal?: number; finishedAt?: string } | undefined>;
  lastState?: { terminated?: { finishedAt?: string } };
}

/** READY, STATUS and RESTARTS as `kubectl get pods` shows them. Source: printers.go printPod. */
export function podCells(pod: KubeObject, now: number): unknown[] {
  const { spec = {}, status = {}, metadata } = pod;
  const sidecars = new Set<string>(
    (spec.initContainers ?? [])
      .filter((c: { restartPolicy?: string }) => c.restartPolicy === 'Always')
      .map((c: { name: string }) => c.name),
  );
  let reason: string = status.reason || status.phase || '';
  let restarts = 0;
  let sidecarRestarts = 0;
  let lastRestart = 0;
  let lastSidecarRestart = 0;
  let ready = 0;
  const total = (spec.containers ?? []).length + sidecars.size;
  for (const condition of status.conditions ?? []) {
    if (condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated') reason = 'SchedulingGated';
  }

  let initializing = false;
  for (const [i, container] of ((status.initContainerStatuses ?? []) as ContainerStatus[]).entries()) {
    restarts += container.restartCount;
    lastRestart = Math.max(lastRestart, finished(container));
    const sidecar = sidecars.has(container.name);
    if (sidecar) {
      sidecarRestarts += container.restartCount;
      lastSidecarRestart = Math.max(lastSidecarRestart, finished(container));
    }
    const { terminated, waiting } = container.state ?? {};
    if (terminated && terminated.exitCode === 0) continue;
    if (sidecar && container.started) {
      if (container.ready) ready++;
      continue;
    }
    if (terminated)
      reason = terminated.reason
        ? `Init:${terminated.reason}`
        : terminated.signal
          ? `Init:Signal:${terminated.signal}`
          : `Init:ExitCode:${terminated.exitCode}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') reason = `Init:${waiting.reason}`;
    else reason = `Init:${i}/${(spec.initContainers ?? []).length}`;
    initializing = true;
    break;
  }

  const initialized = (status.conditions ?? []).some(
    (c: { type: string; status: string }) => c.type === 'Initialized' && c.status === 'True',
  );
  if (!initializing || initialized) {
    restarts = sidecarRestarts;
    lastRestart = lastSidecarRestart;
    let running = false;
    for (const container of [...((status.containerStatuses ?? []) as ContainerStatus[])].reverse()) {
      restarts += container.restartCount;
      lastRestart = Math.max(lastRestart, finished(container));
      const { terminated, waiting } = container.state ?? {};
      if (waiting?.reason) reason = waiting.reason;
      else if (terminated)
        reason =
          terminated.reason || (terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`);
      else if (container.ready && container.state?.running) {
        running = true;
        ready++;
      }
    }
    if (reason === 'Completed' && running) {
      const isReady = (status.conditions ?? []).some(
        (c: { type: string; status: string }) => c.type === 'Ready' && c.status === 'True',
      );
      reason = isReady ? 'Running' : 'NotReady';
    }
  }
  if (metadata.deletionTimestamp && status.reason === 'NodeLost') reason = 'Unknown';
  else if (metadata.deletionTimestamp && !['Failed', 'Succeeded'].includes(status.phase)) reason = 'Terminating';
  const restartText =
    restarts > 0 && lastRestart > 0 ? `${restarts} (${durationText(now - lastRestart)} ago)` : String(restarts);
  return [
    metadata.name,
    `${ready}/${total}`,
    reason,
    restartText,
    metadata.creationTimestamp ? durationText(now - Date.parse(metadata.creationTimestamp)) : '<unknown>',
    status.podIP || '<none>',
    spec.nodeName || '<none>',
    status.nominatedNodeName || '<none>',
    gatesText(spec, status),
  ];
}

/** How many of a pod's readiness gates are open. */
function gatesText(spec: KubeObject['spec'], status: KubeObject['status']): string {
  const gates = (spec.readinessGates ?? []) as { conditionType: string }[];
  if (gates.length === 0) return '<none>';
  const conditions = (status.conditions ?? []) as { type: string; status: string }[];
  const open = gates.filter(({ conditionType }) =>
    conditions.some(({ type, status }) => type === conditionType && status === 'True'),
  );
  return `${open.length}/${gates.length}`;
}

const finished = (container: ContainerStatus): number =>
  Date.parse(container.lastState?.terminated?.finishedAt ?? '') || 0;
