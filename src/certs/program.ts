import { createServer, type Server } from 'node:http';
import { messageOf } from '#base/errors.ts';
import { Lifecycle } from '#base/lifecycle.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';
import { runBundles } from './bundles.ts';
import { runCaInjection } from './ca-injection.ts';
import { runCertificates } from './certificates.ts';
import { createDesk, type Desk } from './controller.ts';
import { runIssuers } from './issuers.ts';
import { expositionOf } from './metrics.ts';
import { TARGETS } from './objects.ts';
import { runRequests } from './requests.ts';

/** A program of these images while it runs. */
interface Running extends Process {
  life: Lifecycle;
  log(level: 'I' | 'W' | 'E', message: string): void;
  exit(code: number): void;
  args: ReadonlyMap<string, string>;
}

function run(context: ContainerContext): Running {
  const life = new Lifecycle();
  let end: (code: number) => void = () => {};
  const exited = new Promise<number>((resolve) => {
    end = resolve;
  });
  const exit = (code: number) =>
    void life.close().then(
      () => end(code),
      () => end(code),
    );
  return {
    life,
    exited,
    exit,
    kill: (signal) => exit(signal === 'SIGKILL' ? 137 : 0),
    args: new Map(
      context.argv.slice(1).flatMap((word) => {
        const match = /^--?([a-z0-9-]+)(?:=(.*))?$/s.exec(word);
        return match ? [[match[1]!, match[2] ?? 'true'] as const] : [];
      }),
    ),
    log(level, message) {
      const iso = new Date(context.clock.now()).toISOString();
      const line = `${level}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000       1 ${message}\n`;
      void context.stdio.stderr.write(line).catch(() => {});
    },
  };
}

function serve(
  running: Running,
  context: ContainerContext,
  port: number,
  body: (path: string) => string | undefined,
): void {
  const server: Server = createServer((request, response) => {
    const text = body(new URL(request.url ?? '/', 'http://pod').pathname);
    response
      .writeHead(text === undefined ? 404 : 200, { 'content-type': 'text/plain' })
      .end(text ?? '404 page not found\n');
  });
  const open = new Set<{ destroy(): void }>();
  const listener = context.net.listen(
    port,
    (connection) => {
      open.add(connection);
      connection.once('close', () => open.delete(connection));
      server.emit('connection', connection);
    },
    { uid: context.uid },
  );
  running.life.add(() => {
    listener.close();
    for (const connection of open) connection.destroy();
  });
}

const portIn = (text: string | undefined, otherwise: number): number =>
  Number(/:(\d+)$/.exec(text ?? '')?.[1] ?? otherwise);

const isHealth = (path: string): boolean => ['/livez', '/healthz', '/readyz'].includes(path);

/** A controller: its informers, what it runs on them, and its ports. */
function controller(
  context: ContainerContext,
  client: KubeClient,
  o: {
    name: string;
    namespaceFlag: string;
    healthPort: number;
    controllers: ((desk: Desk) => void)[];
    metrics?: (desk: Desk) => string;
  },
): Process {
  const running = run(context);
  const { clock, pod } = context;
  const version = /:([^:/@]+)(?:@.*)?$/.exec(context.image)?.[1] ?? 'latest';
  running.log('I', `"starting ${o.name}" version="${version}"`);
  const desk = createDesk({
    client,
    clock,
    clusterResourceNamespace: running.args.get(o.namespaceFlag) || pod.namespace,
    failed: (name, key, error) =>
      running.log(
        'E',
        `"re-queuing item due to error processing" controller="${name}" key="${key}" err=${JSON.stringify(messageOf(error))}`,
      ),
  });
  running.life.add(() => desk.life.close());
  for (const each of o.controllers) each(desk);
  let ready = false;
  serve(running, context, o.healthPort, (path) => (isHealth(path) && (ready || path !== '/readyz') ? 'ok' : undefined));
  const { metrics } = o;
  if (metrics)
    serve(running, context, portIn(running.args.get('metrics-listen-address'), 9402), (path) =>
      path === '/metrics' ? metrics(desk) : isHealth(path) ? 'ok' : undefined,
    );
  void desk.start().then(() => {
    ready = true;
    running.log('I', `"caches are filled" controllers=${o.controllers.length}`);
  });
  return running;
}

/** cert-manager's controller: issuers, requests and certificates. */
export const startController = (context: ContainerContext, client: KubeClient): Process =>
  controller(context, client, {
    name: 'cert-manager',
    namespaceFlag: 'cluster-resource-namespace',
    healthPort: 9403,
    controllers: [runIssuers, runRequests, runCertificates],
    metrics: (desk) => expositionOf(desk.informer(TARGETS.certificates).list()),
  });

export const startCaInjector = (context: ContainerContext, client: KubeClient): Process =>
  controller(context, client, {
    name: 'cert-manager-cainjector',
    namespaceFlag: 'cluster-resource-namespace',
    healthPort: 9403,
    controllers: [runCaInjection],
  });

export const startTrustManager = (context: ContainerContext, client: KubeClient): Process =>
  controller(context, client, {
    name: 'trust-manager',
    namespaceFlag: 'trust-namespace',
    healthPort: 6060,
    controllers: [runBundles],
  });

/**
 * cert-manager's webhook as far as it is here: it is up and healthy, and validates nothing, since no webhook configuration
 * names it. Shapes are held by the CRDs, lengths of time by the controller.
 */
export function startWebhook(context: ContainerContext): Process {
  const running = run(context);
  running.log('I', '"serving health only: objects are validated by their CRDs and by the controller in this cluster"');
  serve(running, context, 6080, (path) => (isHealth(path) ? 'ok' : undefined));
  return running;
}

/** `check api`: ends with 0 when the API takes a Certificate, tried without keeping it. */
export function startApiCheck(context: ContainerContext, client: KubeClient): Process {
  const running = run(context);
  const namespace = context.pod.namespace;
  void client
    .create(
      { ...TARGETS.certificates, namespace },
      {
        apiVersion: 'cert-manager.io/v1',
        kind: 'Certificate',
        metadata: { generateName: 'cmapichecker-', namespace },
        spec: { dnsNames: ['cmapichecker.example'], secretName: 'cmapichecker', issuerRef: { name: 'cmapichecker' } },
      },
      { dryRun: true },
    )
    .then(
      () => {
        running.log('I', '"The cert-manager API is ready"');
        running.exit(0);
      },
      (error) => {
        running.log('E', `"Not ready" err=${JSON.stringify(messageOf(error))}`);
        running.exit(1);
      },
    );
  return running;
}
