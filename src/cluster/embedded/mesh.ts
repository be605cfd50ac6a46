import { parseGoDuration } from '#base/go-duration.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { Informer } from '#kube/client/informer.ts';
import { splitApiVersion } from '#kube/client/paths.ts';
import { gatewayApiCrds } from '#mesh/crds/crds.ts';
import { renderCrds } from '#mesh/install/crds.ts';
import { planInstall } from '#mesh/install/plan.ts';
import type { ClusterSettings } from '#schema/lab.ts';
import { type Authority, meshIssuer } from './authority.ts';

const NAMESPACE = 'linkerd';
const PODS: Target = { group: '', version: 'v1', resource: 'pods', namespace: NAMESPACE };
const DEPLOYMENTS: Target = { group: 'apps', version: 'v1', resource: 'deployments', namespace: NAMESPACE };
const MANAGER = 'kubectl-client-side-apply';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const YEAR_MS = 365 * 86_400_000;

/** Applies the mesh's definitions and its control plane, as `linkerd install … | kubectl apply -f -` would. */
export async function installMesh(
  client: KubeClient,
  settings: ClusterSettings,
  anchor: Authority,
  now: number,
): Promise<void> {
  for (const definition of [...gatewayApiCrds(), ...renderCrds()])
    await client.create(
      { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' },
      definition,
      { fieldManager: MANAGER },
    );
  const issuer = await meshIssuer(anchor, now, parseGoDuration(settings.issuerLifetime) ?? YEAR_MS);
  const lifetimeMs = parseGoDuration(settings.issuanceLifetime);
  const plan = await planInstall({
    now,
    anchors: anchor.certificate,
    issuer,
    ...(lifetimeMs === undefined ? {} : { issuanceLifetime: goDuration(lifetimeMs) }),
    defaultInboundPolicy: settings.defaultInboundPolicy,
    // It would report to a server outside, and a session's network has no way out.
    values: { disableHeartBeat: true },
  });
  const targets = new Map(
    (await client.discover({ fresh: true })).map((known) => [`${known.group}/${known.version}/${known.kind}`, known]),
  );
  for (const object of plan) {
    const { group, version } = splitApiVersion(object.apiVersion);
    const known = targets.get(`${group}/${version}/${object.kind}`);
    if (!known) throw new Error(`the cluster does not serve ${object.apiVersion} ${object.kind}`);
    const { namespace } = object.metadata;
    await client.create(
      { group, version, resource: known.resource, ...(known.namespaced && namespace ? { namespace } : {}) },
      applied(object),
      { fieldManager: MANAGER },
    );
  }
}

/** As kubectl leaves it: with the annotation from which the next apply finds what was removed. */
function applied(object: KubeObject): KubeObject {
  const { [LAST_APPLIED]: _, ...annotations } = object.metadata.annotations ?? {};
  const plain = { ...object, metadata: { ...object.metadata, annotations } };
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: `${sortedJson(plain)}\n` } },
  };
}

const sortedJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );

/** Milliseconds as Go prints a duration: `24h0m0s`. */
function goDuration(ms: number): string {
  const s = Math.round(ms / 1000);
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h > 0 ? `${h}h${m}m${s % 60}s` : m > 0 ? `${m}m${s % 60}s` : `${s}s`;
}

/** Resolves when every pod of the control plane is ready and its Deployments know it. Rejects when the signal aborts. */
export async function meshReady(client: KubeClient, signal: AbortSignal): Promise<void> {
  const isReady = (pods: KubeObject[], deployments: KubeObject[]): boolean => {
    const living = pods.filter((pod) => !pod.metadata.deletionTimestamp);
    return (
      deployments.length > 0 &&
      deployments.every(
        ({ metadata, spec, status }) =>
          status?.observedGeneration === metadata.generation &&
          (status?.availableReplicas ?? 0) >= (spec.replicas ?? 1),
      ) &&
      living.length >= deployments.length &&
      living.every((pod) =>
        (pod.status?.conditions ?? []).some(
          (condition: { type: string; status: string }) => condition.type === 'Ready' && condition.status === 'True',
        ),
      )
    );
  };
  await new Promise<void>((resolve, reject) => {
    const informers = [new Informer(client, PODS), new Informer(client, DEPLOYMENTS)];
    const stop = () => {
      for (const informer of informers) informer.stop();
      signal.removeEventListener('abort', onAbort);
    };
    const onAbort = () => {
      stop();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) return onAbort();
    let looking = false;
    const look = () => {
      if (looking) return;
      looking = true;
      // What changes in one turn is looked at once.
      setImmediate(() => {
        looking = false;
        if (!isReady(informers[0]!.list(), informers[1]!.list())) return;
        stop();
        resolve();
      });
    };
    for (const informer of informers) {
      informer.onChange(look);
      void informer.start();
    }
  });
}
