import type { StepEvent } from '#cluster/driver.ts';
import { reachApi } from '#cluster/kind/api-access.ts';
import type { Engine } from '#cluster/kind/engine.ts';
import { condition } from '#cluster/linkerd/ready.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createHttpTransport } from '#kube/client/http.ts';
import { Informer } from '#kube/client/informer.ts';

/** Where the time of a bring-up went, ms. */
export interface Breakdown {
  steps: [string, number][];
  total: number;
  /** Of kube-system's pods, from the moment the API server told of it until it told that it is ready. */
  slowestPod: { name: string; ms: number };
  /** Everything, against what can't be done without: kubeadm and the slowest pod's start. */
  ratio: number;
}

/** Hand `onStep` to the driver, and ask for the breakdown when the cluster is there. */
export interface Stopwatch {
  onStep(event: StepEvent): void;
  breakdown(): Promise<Breakdown>;
}

const KUBECONFIG = '/etc/kubernetes/super-admin.conf';
const AS_SOON_AS_THERE = `until [ -s ${KUBECONFIG} ]; do sleep 0.1; done; cat ${KUBECONFIG}`;

/**
 * Takes the time of a bring-up from outside: the steps as they are told, and each system pod's start by a watch of our own,
 * because what Kubernetes writes down are whole seconds. `node`: name of the container.
 */
export function stopwatch(engine: Engine, node: string): Stopwatch {
  const events: StepEvent[] = [];
  let pods: Promise<PodWatch> | undefined;
  return {
    onStep(event) {
      events.push(event);
      if (event.step === 'kubeadm' && event.state === 'started') {
        pods = watchPods(engine, node);
        pods.catch(() => {});
      }
    },
    async breakdown() {
      const done = events.filter(({ state }) => state === 'done');
      const begun = (step: string) => events.find((event) => event.step === step && event.state === 'started')!.at;
      const steps = done.map(({ step, at }): [string, number] => [step, at - begun(step)]);
      const total = Math.max(...done.map(({ at }) => at)) - Math.min(...events.map(({ at }) => at));
      const watch = await pods;
      watch?.stop();
      const starts = (watch?.starts() ?? []).sort((a, b) => b.ms - a.ms);
      const slowestPod = starts[0] ?? { name: 'none', ms: 0 };
      const kubeadm = steps.find(([step]) => step === 'kubeadm')?.[1] ?? 0;
      return { steps, total, slowestPod, ratio: total / (kubeadm + slowestPod.ms) };
    },
  };
}

interface PodWatch {
  starts(): Breakdown['slowestPod'][];
  stop(): void;
}

/** Of kube-system, from before the API server answers. */
async function watchPods(engine: Engine, node: string): Promise<PodWatch> {
  const kubeconfig = await engine.run(node, ['sh', '-c', AS_SOON_AS_THERE]);
  const { NetworkSettings } = await engine.inspect(node);
  const [network] = Object.values(NetworkSettings.Networks);
  const api = await reachApi(engine, node, network?.IPAddress ?? '', kubeconfig);
  const transport = createHttpTransport(api.access);
  const pods = new Informer(createKubeClient(transport), {
    group: '',
    version: 'v1',
    resource: 'pods',
    namespace: 'kube-system',
  });
  const known = new Map<string, { name: string; from: number; until?: number }>();
  pods.onChange(({ type, object }) => {
    const { uid = '', name = '' } = object.metadata;
    if (type === 'delete') return void known.delete(uid);
    const pod = known.get(uid) ?? { name, from: performance.now() };
    known.set(uid, pod);
    if (condition(object, 'Ready')) pod.until ??= performance.now();
  });
  void pods.start();
  return {
    starts: () => [...known.values()].map(({ name, from, until = from }) => ({ name, ms: Math.round(until - from) })),
    stop() {
      pods.stop();
      transport.close();
      api.close();
    },
  };
}

export const inWords = ({ steps, total, slowestPod, ratio }: Breakdown): string =>
  [
    ...steps.map(([step, ms]) => `${step} ${ms} ms`),
    `together ${total} ms`,
    `slowest pod ${slowestPod.name} ${slowestPod.ms} ms`,
    `${ratio.toFixed(2)} times kubeadm and that pod`,
  ].join(', ');
