import type { KubeClient } from '#kube/client/client.ts';
import { PODS } from './mesh.ts';

/** One request to make from inside a pod. */
export interface RequestToMake {
  method: string;
  url: string;
}

export interface Answer {
  /** HTTP status; 0 when none came. */
  status: number;
  /** curl's exit code. */
  exit: number;
}

const TIMEOUT_S = 3;

/**
 * Makes real requests from inside a pod with the curl that its image holds: one exec for all of them. The requests go
 * through the pod's own network namespace, hence through its proxy if it has one, and carry its identity.
 */
export async function requestsFrom(
  client: KubeClient,
  from: { namespace: string; deployment: string; container: string },
  requests: RequestToMake[],
  signal: AbortSignal,
): Promise<Answer[]> {
  const pod = await readyPod(client, from.namespace, from.deployment);
  const script = requests
    .map(
      ({ method, url }) =>
        `curl -s -o /dev/null -m ${TIMEOUT_S} -X ${quote(method)} -w '%{http_code}' ${quote(url)}; echo " $?"`,
    )
    .join('\n');
  let output = '';
  await client.exec({
    namespace: from.namespace,
    pod,
    container: from.container,
    command: ['sh', '-c', script],
    stdout: (chunk) => {
      output += Buffer.from(chunk).toString('utf8');
    },
    signal,
  });
  const lines = output.trim().split('\n');
  if (lines.length !== requests.length) throw new Error(`expected ${requests.length} answers, got ${lines.length}`);
  return lines.map((line) => {
    const [status, exit] = line.trim().split(' ');
    return { status: Number(status), exit: Number(exit) };
  });
}

/** The name of a ready pod of a Deployment, the newest first. Rejects when there is none. */
async function readyPod(client: KubeClient, namespace: string, deployment: string): Promise<string> {
  const { items } = await client.list({ ...PODS, namespace }, { labelSelector: `app=${deployment}` });
  const ready = items
    .filter((pod) => !pod.metadata.deletionTimestamp)
    .filter((pod) =>
      pod.status?.conditions?.some((c: { type: string; status: string }) => c.type === 'Ready' && c.status === 'True'),
    )
    .sort((a, b) => (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''));
  if (!ready[0]) throw new NoReadyPod(`no pod of deployment/${deployment} in ${namespace} is ready`);
  return ready[0].metadata.name!;
}

/** The caller itself is not there; says nothing about the policy. */
export class NoReadyPod extends Error {}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
