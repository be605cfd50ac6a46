import type { KubeObject } from '#kube/api/types.ts';
import type { Container } from './container.ts';

export interface PodFacts {
  init: Container[];
  main: Container[];
  ephemeral: Container[];
  ip: string;
  hostIp: string;
  startTime: string;
  /** The sandbox with its address is there. */
  hasSandbox: boolean;
  /** Set when the pod as a whole failed, e.g. DeadlineExceeded. */
  failure: { reason: string; message: string } | undefined;
  /** Set when nothing will be started again: what the phase then is. */
  ended: boolean;
  now: string;
}

interface Condition {
  type: string;
  status: string;
  lastProbeTime: null;
  lastTransitionTime: string;
  observedGeneration?: number;
  reason?: string;
  message?: string;
}

/** A pod's status as its node reports it. Source: pkg/kubelet/status/generate.go and kubelet_pods.go. */
export function podStatus(pod: KubeObject, facts: PodFacts): KubeObject['status'] {
  const { init, main, ephemeral, failure } = facts;
  const phase = failure ? 'Failed' : phaseOf(pod, facts);
  const finished = phase === 'Succeeded' || phase === 'Failed';
  const generation = pod.metadata.generation;
  const old = (pod.status?.conditions ?? []) as Condition[];
  const condition = (type: string, ok: boolean, reason?: string, message?: string): Condition => {
    const before = old.find((candidate) => candidate.type === type);
    const status = ok ? 'True' : 'False';
    return {
      lastProbeTime: null,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : facts.now,
      ...(message ? { message } : {}),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      ...(reason ? { reason } : {}),
      status,
      type,
    };
  };
  const quote = (containers: Container[]) => `[${containers.map(({ name }) => name).join(' ')}]`;
  const uninitialized = init.filter((c) => (c.isSidecar ? !c.started && !finished : c.terminated?.exitCode !== 0));
  const initialized = phase === 'Succeeded' || uninitialized.length === 0;
  const unready = [...init.filter((c) => c.isSidecar), ...main].filter((c) => !c.ready);
  const ready = !finished && unready.length === 0 && initialized;
  const why = ready
    ? []
    : finished && phase === 'Succeeded'
      ? (['PodCompleted'] as const)
      : finished
        ? (['PodFailed'] as const)
        : (['ContainersNotReady', `containers with unready status: ${quote(unready)}`] as const);
  const gates = ((pod.spec.readinessGates ?? []) as { conditionType: string }[]).filter(
    ({ conditionType }) => old.find(({ type }) => type === conditionType)?.status !== 'True',
  );
  const gated =
    ready && gates.length > 0
      ? ([
          'ReadinessGatesNotReady',
          gates
            .map(
              ({ conditionType }) =>
                `corresponding condition of pod readiness gate ${JSON.stringify(conditionType)} does not exist.`,
            )
            .join(', '),
        ] as const)
      : undefined;
  const own = [
    condition('PodReadyToStartContainers', facts.hasSandbox && !finished),
    initialized
      ? condition('Initialized', true, phase === 'Succeeded' ? 'PodCompleted' : undefined)
      : condition(
          'Initialized',
          false,
          'ContainersNotInitialized',
          `containers with incomplete status: ${quote(uninitialized)}`,
        ),
    condition('Ready', ready && !gated, ...(gated ?? why)),
    condition('ContainersReady', ready, ...why),
  ];
  const mine = new Set(own.map(({ type }) => type));
  const others = old
    .filter(({ type }) => !mine.has(type))
    .map((kept) =>
      kept.type === 'PodScheduled' && generation !== undefined ? { ...kept, observedGeneration: generation } : kept,
    );
  return {
    ...pod.status,
    conditions: [...own, ...others],
    containerStatuses: main.map((c) => c.status()),
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral.map((c) => c.status()) } : {}),
    hostIP: facts.hostIp,
    hostIPs: [{ ip: facts.hostIp }],
    ...(init.length > 0 ? { initContainerStatuses: init.map((c) => c.status()) } : {}),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    ...(facts.hasSandbox ? { podIP: facts.ip, podIPs: [{ ip: facts.ip }] } : {}),
    qosClass: pod.status?.qosClass ?? qosOf(pod),
    startTime: facts.startTime,
    ...(failure ? { reason: failure.reason, message: failure.message } : {}),
  };
}

function phaseOf(pod: KubeObject, { init, main, ended }: PodFacts): string {
  const policy: string = pod.spec.restartPolicy ?? 'Always';
  const failedInit = init.some(
    (c) => !c.isSidecar && c.terminated && c.terminated.exitCode !== 0 && policy === 'Never',
  );
  if (failedInit) return 'Failed';
  if (init.some((c) => (c.isSidecar ? !c.started && c.restarts === 0 && !ended : c.terminated?.exitCode !== 0)))
    return ended ? 'Failed' : 'Pending';
  if (ended || policy !== 'Always') {
    const over = main.filter((c) => !c.running && c.terminated);
    if (over.length === main.length) {
      if (over.every((c) => c.terminated!.exitCode === 0) && policy !== 'Always') return 'Succeeded';
      if (ended) return over.every((c) => c.terminated!.exitCode === 0) ? 'Succeeded' : 'Failed';
      if (policy === 'Never') return 'Failed';
    }
  }
  const waiting = main.some((c) => !c.running && !c.terminated && !c.last);
  return waiting ? 'Pending' : 'Running';
}

/** Guaranteed, Burstable or BestEffort. Source: pkg/apis/core/v1/helper/qos. */
function qosOf({ spec }: KubeObject): string {
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])] as {
    resources?: { limits?: Record<string, string>; requests?: Record<string, string> };
  }[];
  const named = (set: Record<string, string> | undefined, name: string) => set?.[name];
  if (all.every(({ resources }) => !Object.keys({ ...resources?.limits, ...resources?.requests }).length))
    return 'BestEffort';
  const guaranteed = all.every(({ resources }) =>
    ['cpu', 'memory'].every((name) => {
      const limit = named(resources?.limits, name);
      return limit !== undefined && (named(resources?.requests, name) ?? limit) === limit;
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
