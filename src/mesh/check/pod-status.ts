import type { KubeObject } from '#kube/api/types.ts';
import { proxyOf } from './world.ts';

interface ContainerStatus {
  name: string;
  ready?: boolean;
  started?: boolean;
  state?: {
    waiting?: { reason?: string };
    running?: object;
    terminated?: { reason?: string; exitCode: number; signal?: number };
  };
}

const ended = ({ reason, exitCode, signal }: { reason?: string; exitCode: number; signal?: number }): string =>
  reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);

/** One word for a pod, as the STATUS column has it (pkg/k8s GetPodStatus): `Running`, `Init:1/2`, `CrashLoopBackOff`. */
export function podStatus({ spec, status }: KubeObject): string {
  const phase: string = status?.reason || (status?.phase ?? '');
  const inits: ContainerStatus[] = status?.initContainerStatuses ?? [];
  const sidecars = new Set(
    ((spec?.initContainers ?? []) as { name: string; restartPolicy?: string }[])
      .filter(({ restartPolicy }) => restartPolicy === 'Always')
      .map(({ name }) => name),
  );
  for (const [i, each] of inits.entries()) {
    const { waiting, terminated } = each.state ?? {};
    if (terminated && terminated.exitCode === 0 && !terminated.signal) continue;
    if (sidecars.has(each.name) && each.started && each.ready) continue;
    if (terminated) return `Init:${ended(terminated)}`;
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
    return `Init:${i}/${spec?.initContainers?.length ?? 0}`;
  }
  let said = phase;
  let running = false;
  for (const { state, ready } of ((status?.containerStatuses ?? []) as ContainerStatus[]).toReversed()) {
    if (state?.waiting?.reason) said = state.waiting.reason;
    else if (state?.terminated) said = ended(state.terminated);
    else if (ready && state?.running) running = true;
  }
  return said === 'Completed' && running ? 'Running' : said;
}

/** The tag of the proxy's image; empty without a proxy, or where the image is given by digest. */
export function proxyVersion(pod: KubeObject): string {
  const image: string = proxyOf(pod)?.image ?? '';
  return image.includes('@') ? '' : (image.split(':').at(-1) ?? '');
}
