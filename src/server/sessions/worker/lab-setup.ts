import { setTimeout } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { AcademyError, messageOf } from '#base/errors.ts';
import type { StepEvent } from '#cluster/driver.ts';
import { inContext } from '#grader/in-context.ts';
import { trafficManifests } from '#grader/traffic-source.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { LoadedLab } from '../lab-source.ts';
import { deployedWith } from '../mirrors.ts';

export interface SetupOptions {
  lab: LoadedLab;
  client: KubeClient;
  /** The lab's other clusters by name. */
  others: ReadonlyMap<string, KubeClient>;
  /** Runs a script of the lab in the learner's own shell environment; resolves with its exit code and output. */
  runScript(script: string): Promise<{ code: number; output: string }>;
  onStep(event: StepEvent): void;
  /** Wall clock, ms since the epoch. */
  now(): number;
  signal: AbortSignal;
}

const FIELD_MANAGER = 'academy-lab';
/** What a script that failed printed last. */
const LAST_LINES = 5;
/** What a lab starts with is ready within this, or something is wrong with the lab. */
const READY_WITHIN_MS = 180_000;

/** Puts the lab's world into the cluster: what stands in `start/`, then the background traffic; waits until it runs. */
export async function setUpLab(o: SetupOptions): Promise<void> {
  const meshed = o.lab.definition.cluster.mesh === 'linkerd';
  await step(o, 'lab', 'Setting up the lab', async () => {
    for (const file of o.lab.start) {
      const cluster = clusterOf(o, file.name);
      if (file.name.endsWith('.sh')) {
        const { code, output } = await o.runScript((cluster.name ? inContext(cluster.name) : '') + file.content);
        if (code !== 0)
          throw new AcademyError(
            'lab/invalid',
            `${file.name} ended with ${code}: ${output.trim().split('\n').slice(-LAST_LINES).join('\n')}`,
          );
      } else {
        for (const object of objectsIn(file.content, file.name)) {
          await cluster.client.apply(object, { fieldManager: FIELD_MANAGER, force: true });
          if (meshed && object.kind === 'Namespace') await injectorKnows(cluster.client, object, o.signal);
        }
      }
    }
  });
  const { traffic } = o.lab.definition;
  await step(o, 'workloads', 'Waiting for the lab’s workloads', async () => {
    const all = [o.client, ...o.others.values()];
    const ready = () => Promise.all(all.map((client) => workloadsReady({ client, signal: o.signal })));
    await ready();
    if (!traffic) return;
    const client = o.others.get(traffic.cluster ?? '') ?? o.client;
    for (const object of trafficManifests(traffic))
      await client.apply(deployedWith(o.lab.mirrors, object), { fieldManager: FIELD_MANAGER, force: true });
    await ready();
  });
}

/** The cluster that a file of `start/` is for: the one that its folder is named for, or the main one. */
function clusterOf(o: SetupOptions, file: string): { name?: string; client: KubeClient } {
  const [folder = ''] = file.includes('/') ? file.split('/') : [];
  const client = o.others.get(folder);
  if (client) return { name: folder, client };
  return { client: o.client };
}

async function step(o: SetupOptions, key: string, title: string, work: () => Promise<void>): Promise<void> {
  o.onStep({ step: key, title, state: 'started', at: o.now() });
  try {
    await work();
    o.onStep({ step: key, title, state: 'done', at: o.now() });
  } catch (error) {
    o.onStep({ step: key, title, state: 'failed', at: o.now(), message: messageOf(error) });
    throw error;
  }
}

const PODS = { group: '', version: 'v1', resource: 'pods' } as const;
/** The injector hears of a new namespace within this, or will not: then the lab goes on. */
const KNOWN_WITHIN_MS = 10_000;
const ASK_AGAIN_MS = 100;

/**
 * Resolves when a pod made in this namespace would get a proxy. A pod that is made before the injector has heard of its
 * namespace comes up without one, and stays so (linkerd2 controller/proxy-injector looks a namespace up in its cache; the
 * failure policy of its webhook is Ignore).
 */
async function injectorKnows(client: KubeClient, namespace: KubeObject, signal: AbortSignal): Promise<void> {
  if (!['enabled', 'ingress'].includes(namespace.metadata.annotations?.['linkerd.io/inject'] ?? '')) return;
  const { name } = namespace.metadata;
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'would-it-be-injected', namespace: name },
    spec: { containers: [{ name: 'any', image: 'any' }] },
  };
  const until = AbortSignal.any([signal, AbortSignal.timeout(KNOWN_WITHIN_MS)]);
  while (!until.aborted) {
    // Refused until the namespace has its default ServiceAccount.
    const made = await client.create({ ...PODS, namespace: name }, pod, { dryRun: true }).catch(() => undefined);
    if (made?.metadata.annotations?.['linkerd.io/proxy-version']) return;
    await setTimeout(ASK_AGAIN_MS, undefined, { signal: until }).catch(() => {});
  }
  signal.throwIfAborted();
}

function objectsIn(text: string, name: string): KubeObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0]) throw new AcademyError('lab/invalid', `start/${name}: ${document.errors[0].message}`);
    const value = document.toJS() as KubeObject | null;
    return value?.kind ? [value] : [];
  });
}

const DEPLOYMENTS = { group: 'apps', version: 'v1', resource: 'deployments' } as const;

/** Resolves when every Deployment outside the mesh's own namespace has all its replicas available. */
export async function workloadsReady({ client, signal }: Pick<SetupOptions, 'client' | 'signal'>): Promise<void> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(READY_WITHIN_MS)]);
  const waiting = new Set<string>();
  const judge = (object: KubeObject) => {
    const { namespace, name, generation } = object.metadata;
    if (namespace === 'linkerd' || namespace === 'kube-system') return;
    const wanted = object.spec?.replicas ?? 1;
    const { availableReplicas = 0, updatedReplicas = 0, observedGeneration = 0 } = object.status ?? {};
    const ready = observedGeneration >= (generation ?? 0) && updatedReplicas >= wanted && availableReplicas >= wanted;
    if (ready) waiting.delete(`${namespace}/${name}`);
    else waiting.add(`${namespace}/${name}`);
  };
  const list = await client.list(DEPLOYMENTS);
  for (const item of list.items) judge(item);
  if (waiting.size === 0) return;
  const from = list.metadata.resourceVersion;
  const watching = new AbortController();
  const either = AbortSignal.any([within, watching.signal]);
  try {
    for await (const event of client.watch(DEPLOYMENTS, {
      signal: either,
      ...(from ? { resourceVersion: from } : {}),
    })) {
      if (event.type === 'ADDED' || event.type === 'MODIFIED') judge(event.object);
      if (waiting.size === 0) return;
    }
  } finally {
    watching.abort(new DOMException('done', 'AbortError'));
  }
  if (waiting.size > 0) throw new AcademyError('driver/failed', `Not ready in time: ${[...waiting].join(', ')}.`);
}
