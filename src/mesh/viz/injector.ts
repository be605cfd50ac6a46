/* biome-ignore-all lint/suspicious/noExplicitAny: admission reviews are plain JSON. */
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';
import { Running, readArguments, serveAdmin, serveHttps } from '#mesh/policy/container.ts';
import { isTapDisabled, isTapEnabled, TAP_ENABLED } from './labels.ts';

const TLS_DIRECTORY = '/var/run/linkerd/tls';

interface Operation {
  op: 'add';
  path: string;
  value: unknown;
}

/** Where the proxy is among a pod's containers; undefined: nowhere. */
function proxyPath(spec: any): string | undefined {
  for (const list of ['containers', 'initContainers']) {
    const at = (spec?.[list] ?? []).findIndex(({ name }: { name: string }) => name === 'linkerd-proxy');
    if (at >= 0) return `/spec/${list}/${at}`;
  }
  return undefined;
}

/** What lets the viz extension tap a meshed pod: its proxy learns by whom, and an annotation says so. */
export function tapPatch(pod: KubeObject, namespace: KubeObject, tapName: string): Operation[] {
  const path = proxyPath(pod.spec);
  if (path === undefined || isTapEnabled(pod) || isTapDisabled(namespace) || isTapDisabled(pod)) return [];
  return [
    ...(pod.metadata.annotations ? [] : [{ op: 'add' as const, path: '/metadata/annotations', value: {} }]),
    { op: 'add', path: `/metadata/annotations/${TAP_ENABLED.replace('/', '~1')}`, value: 'true' },
    { op: 'add', path: `${path}/env/-`, value: { name: 'LINKERD2_PROXY_TAP_SVC_NAME', value: tapName } },
  ];
}

/** `tap injector`: a mutating webhook beside the mesh's own. */
export function startTapInjector(context: ContainerContext, { client }: { client: KubeClient }): Process {
  const running = new Running(context);
  const args = readArguments(context.argv.slice(1));
  const tapName = args.get('tap-service-name') ?? '';

  const review = async (request: any): Promise<Operation[]> => {
    const namespace = await client.get({ group: '', version: 'v1', resource: 'namespaces' }, request.namespace);
    return tapPatch(request.object, namespace, tapName);
  };
  serveAdmin(running, 9995, { ready: () => true });
  serveHttps(running, 8443, TLS_DIRECTORY, (incoming, outgoing) => {
    const answer = async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const body = JSON.parse(Buffer.concat(chunks).toString());
      const response: any = { uid: body.request?.uid, allowed: true };
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
      const text = JSON.stringify({ apiVersion: body.apiVersion, kind: 'AdmissionReview', response });
      outgoing.setHeader('content-type', 'application/json').end(text);
    };
    answer().catch(() => outgoing.writeHead(400).end());
  });
  return running;
}
