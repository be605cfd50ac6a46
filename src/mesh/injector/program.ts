import { parse } from 'yaml';
import type { AdmissionRequest, AdmissionResponse, AdmissionReview } from '#kube/api/admission-review.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';
import { EventRecorder } from '#mesh/identity/event-recorder.ts';
import { defaultValues } from '#mesh/install/default-values.ts';
import type { Values } from '#mesh/install/values.ts';
import { Running, readArguments, serveAdmin, serveHttps } from '#mesh/policy/container.ts';
import { OPAQUE } from './overrides.ts';
import { injectionPatch, type JsonPatchOperation, opaquePortsFor } from './patch.ts';
import { SKIP_REASONS, skipReasons } from './skip.ts';

const VALUES = '/var/run/linkerd/config/values';
const ROOTS = '/var/run/linkerd/identity/trust-roots/ca-bundle.crt';
const TLS_DIRECTORY = '/var/run/linkerd/tls';

export interface InjectorWorld {
  /** Speaks to the API server as the pod's service account. */
  client: KubeClient;
}

interface Owner {
  kind: string;
  name: string;
  uid: string;
  apiVersion: string;
  resourceVersion?: string;
}

/** The injector: a mutating webhook that reads values and trust roots anew for each pod. */
export function startInjector(context: ContainerContext, { client }: InjectorWorld): Process {
  const running = new Running(context);
  const args = readArguments(context.argv.slice(1));
  const controlPlaneNamespace = args.get('linkerd-namespace') ?? 'linkerd';
  const { files, clock } = context;
  const text = (path: string): string | undefined => {
    const bytes = files.readFile(path);
    return bytes && Buffer.from(bytes).toString('utf8');
  };
  running.version();
  const events = new EventRecorder({ client, clock, component: 'linkerd-proxy-injector' });
  const counters = new Map<string, number>();
  const count = (name: string, labels: string) => {
    const key = `${name}{${labels}}`;
    counters.set(key, (counters.get(key) ?? 0) + 1);
  };

  const review = async (request: AdmissionRequest): Promise<JsonPatchOperation[]> => {
    const { namespace = '' } = request;
    const object = request.object!;
    const annotations = await client
      .get({ group: '', version: 'v1', resource: 'namespaces' }, namespace)
      .then(({ metadata }) => metadata.annotations ?? {});
    const values: Values = { ...defaultValues(), ...(parse(text(VALUES) ?? '') ?? {}) };
    const kind = String(request.kind?.kind ?? 'Pod').toLowerCase();
    const name = `${kind}/${object.metadata?.name || object.metadata?.generateName || ''}`;
    running.logrus('info', `received admission review request ${JSON.stringify(request.uid)}`);
    running.logrus('info', `received ${name}`);
    const defaults: string = values['proxy'].opaquePorts;
    const annotate = (ports: string) => {
      const patch = opaquePatch(object, annotations, ports);
      if (patch.length > 0) running.logrus('info', `annotation patch generated for: ${name}`);
      return patch;
    };
    if (kind === 'service') return annotate(opaqueServicePorts(object, defaults));
    const owner = await ownerOf(client, namespace, object);
    const about = owner && { ...owner, namespace };
    // A pod that nobody made is looked for as its own parent, and is not there yet.
    if (!owner && object.metadata?.name) {
      const why = `error: pods ${JSON.stringify(object.metadata.name)} not found`;
      running.logrus('warning', `couldn't retrieve parent object ${namespace}-pod-${object.metadata.name}; ${why}`);
    }
    const ownerLabels = `owner_kind="${owner?.kind.toLowerCase() ?? 'pod'}",namespace="${namespace}"`;
    count('proxy_inject_admission_requests_total', ownerLabels);
    const reasons = skipReasons(object, annotations, values.identity['serviceAccountTokenProjection'] !== false);
    if (reasons.length > 0) {
      count('proxy_inject_admission_responses_total', `${ownerLabels},skip="true",reason="${reasons.join(',')}"`);
      const why = reasons.map((each) => SKIP_REASONS[each]).join(', ');
      if (about) events.record(about, 'Normal', 'InjectionSkipped', `Linkerd sidecar proxy injection skipped: ${why}`);
      // Opaque ports count for pods without a proxy as well.
      const patch = annotate(opaquePortsFor(object.spec, defaults));
      if (patch.length === 0) running.logrus('info', `skipped ${name}: ${why}`);
      return patch;
    }
    count('proxy_inject_admission_responses_total', `${ownerLabels},skip="false",reason=""`);
    const patch = injectionPatch({
      pod: object,
      namespace,
      namespaceAnnotations: annotations,
      values,
      anchors: text(ROOTS) ?? '',
      controlPlaneNamespace,
      ...(owner ? { owner } : {}),
      createdBy: `linkerd/proxy-injector ${values.linkerdVersion}`,
      byWebhook: true,
    });
    if (about) events.record(about, 'Normal', 'Injected', 'Linkerd sidecar proxy injected');
    running.logrus('info', `injection patch generated for: ${name}`);
    return patch;
  };

  for (const line of [
    'starting admin server on :9995',
    'waiting for caches to sync',
    'listening at :8443',
    'caches synced',
  ])
    running.logrus('info', line);
  serveAdmin(running, 9995, {
    ready: () => true,
    metrics: () => [...counters].map(([key, value]) => `${key} ${value}\n`).join(''),
  });
  serveHttps(running, 8443, TLS_DIRECTORY, (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', () => {});
    incoming.on('end', () => void answer());
    const answer = async () => {
      let body: AdmissionReview;
      try {
        body = JSON.parse(Buffer.concat(chunks).toString());
      } catch {
        outgoing.writeHead(400).end();
        return;
      }
      const response: AdmissionResponse = { uid: body.request?.uid ?? '', allowed: true };
      try {
        const patch = await review(body.request);
        if (patch.length > 0) {
          response.patchType = 'JSONPatch';
          response.patch = Buffer.from(JSON.stringify(patch)).toString('base64');
        }
      } catch (error) {
        response.allowed = false;
        response.status = { message: (error as Error).message };
      }
      outgoing
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ apiVersion: body.apiVersion, kind: 'AdmissionReview', response }));
    };
  });
  return running;
}

/** Which of the default opaque ports a Service serves, by its own ports' numbers; empty: none. */
function opaqueServicePorts({ spec }: KubeObject, defaults: string): string {
  const known = new Set(defaults.split(','));
  return ((spec?.ports ?? []) as { port: number; targetPort?: number | string }[])
    .filter(({ port, targetPort }) => known.has(String(targetPort || port)))
    .map(({ port }) => port)
    .join(',');
}

/** The namespace's opaque ports, else those of the defaults that the object has, unless it says them itself. */
function opaquePatch(
  object: KubeObject,
  namespaceAnnotations: Record<string, string>,
  defaults: string,
): JsonPatchOperation[] {
  const value = namespaceAnnotations[OPAQUE] ?? (defaults || undefined);
  const own = object.metadata?.annotations;
  if (value === undefined || own?.[OPAQUE] !== undefined) return [];
  return [
    ...(own ? [] : [{ op: 'add' as const, path: '/metadata/annotations', value: {} }]),
    { op: 'add', path: '/metadata/annotations/config.linkerd.io~1opaque-ports', value },
  ];
}

/** Who is shown as injected: the Deployment behind a ReplicaSet, else the pod's own controller, as it is now. */
async function ownerOf(client: KubeClient, namespace: string, pod: KubeObject): Promise<Owner | undefined> {
  let owner: Owner | undefined;
  let next = controllerOf(pod);
  while (next) {
    owner = next;
    const resource = OWNERS[next.kind];
    if (!resource) break;
    const [group = '', version = ''] = next.apiVersion.includes('/')
      ? next.apiVersion.split('/')
      : ['', next.apiVersion];
    const found = await client.get({ group, version, resource, namespace }, next.name).catch(() => undefined);
    if (!found) break;
    if (found.metadata.resourceVersion) owner.resourceVersion = found.metadata.resourceVersion;
    next = next.kind === 'ReplicaSet' || next.kind === 'Job' ? controllerOf(found) : undefined;
  }
  return owner;
}

const OWNERS: Record<string, string> = {
  ReplicaSet: 'replicasets',
  ReplicationController: 'replicationcontrollers',
  Deployment: 'deployments',
  DaemonSet: 'daemonsets',
  StatefulSet: 'statefulsets',
  Job: 'jobs',
  CronJob: 'cronjobs',
};

function controllerOf({ metadata }: KubeObject): Owner | undefined {
  const above = metadata?.ownerReferences?.find(({ controller }) => controller);
  return above && { kind: above.kind, name: above.name, uid: above.uid, apiVersion: above.apiVersion };
}
