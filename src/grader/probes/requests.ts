import type { KubeClient } from '#kube/client/client.ts';
import { PODS } from './mesh.ts';

/** One request to make from inside a pod. */
export interface RequestToMake {
  method: string;
  url: string;
  headers?: Record<string, string>;
}

/** Who makes requests: a container, with curl and sh in it, of the newest ready pod of a Deployment. */
export interface Caller {
  namespace: string;
  deployment: string;
  container: string;
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
  from: Caller,
  requests: RequestToMake[],
  signal: AbortSignal,
): Promise<Answer[]> {
  const answers = await answersTo(client, from, requests.map(curl).join('\n'), signal);
  if (answers.length !== requests.length) throw new Error(`expected ${requests.length} answers, got ${answers.length}`);
  return answers;
}

/** Requests of a burst that are under way at once. */
const AT_ONCE = 4;

/** The same request many times, a few at once, as fast as they are answered. The answers' order means nothing. */
export async function burstFrom(
  client: KubeClient,
  from: Caller,
  request: RequestToMake,
  count: number,
  signal: AbortSignal,
): Promise<Answer[]> {
  const each = Array.from({ length: AT_ONCE }, (_, i) => Math.floor((count + i) / AT_ONCE)).filter((n) => n > 0);
  const loops = each.map((n) => `(i=0; while [ $i -lt ${n} ]; do ${curl(request)}; i=$((i+1)); done) &`);
  const answers = await answersTo(client, from, `${loops.join('\n')}\nwait`, signal);
  if (answers.length !== count) throw new Error(`expected ${count} answers, got ${answers.length}`);
  return answers;
}

/** One line an answer, written at once so that lines of loops that run side by side do not mix. */
const curl = ({ method, url, headers = {} }: RequestToMake): string => {
  const given = Object.entries(headers).map(([name, value]) => ` -H ${quote(`${name}: ${value}`)}`);
  const call = `curl -s -o /dev/null -m ${TIMEOUT_S} -X ${quote(method)}${given.join('')} -w '%{http_code}' ${quote(url)}`;
  return `s=$(${call}); echo "$s $?"`;
};

async function answersTo(client: KubeClient, from: Caller, script: string, signal: AbortSignal): Promise<Answer[]> {
  const pod = await readyPod(client, from.namespace, from.deployment);
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
  const lines = output.trim() === '' ? [] : output.trim().split('\n');
  return lines.map((line) => {
    const [status, exit] = line.trim().split(' ');
    return { status: Number(status), exit: Number(exit) };
  });
}

/** What an answer means: 403 is the mesh's denial (linkerd.md 3.4), 404 a route that nobody may take or that is not there. */
export function meaningOf({ status, exit }: Answer): 'allow' | 'deny' | 'limited' | 'unreachable' {
  if (status === 403 || status === 404) return 'deny';
  if (status === 429) return 'limited';
  // An opaque or TLS port denies by closing the connection (curl 52, 56).
  if (status === 0) return exit === 52 || exit === 56 ? 'deny' : 'unreachable';
  return status >= 500 ? 'unreachable' : 'allow';
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
