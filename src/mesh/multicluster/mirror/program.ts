import { messageOf } from '#base/errors.ts';
import { parseGoDuration } from '#base/go-duration.ts';
import { parseLabelSelector } from '#kube/api/selectors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { Informer } from '#kube/client/informer.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';
import { portOf, Running, readArguments, serveAdmin } from '#mesh/policy/container.ts';
import { WriteLease } from '#mesh/policy/lease.ts';
import { ENDPOINTS, LINK, leaseOf, NAMESPACES, SERVICES } from '../labels.ts';
import { selectorOf } from '../link-object.ts';
import { type LinkSession, openLocal, openRemote } from './session.ts';
import type { LocalCaches, MirrorOptions } from './world.ts';

/** How long until a claim on the lease is made again. */
const CLAIM_MS = 10_000;
/** How long until a link that can't be started is tried again. */
const RESTART_MS = 10_000;

/**
 * The `service-mirror` of the controller image: for one Link it mirrors what the other cluster exports; with
 * `-local-mirror` it lets this cluster's own Services join federated ones. Of several replicas one works, by a lease.
 */
export function startServiceMirror(context: ContainerContext, { client }: { client: KubeClient }): Process {
  const running = new Running(context);
  const args = readArguments(context.argv.slice(1));
  const link = context.argv.slice(1).find((word) => !word.startsWith('-')) ?? '';
  const isLocal = args.get('local-mirror') === 'true';
  const namespace = args.get('namespace') ?? 'linkerd-multicluster';
  const options: MirrorOptions = {
    headless: args.get('enable-headless-services') === 'true',
    createNamespaces: args.get('enable-namespace-creation') === 'true',
    retries: Number(args.get('event-requeue-limit') ?? 3),
    repairMs: parseGoDuration(args.get('endpoint-refresh-period')) ?? 60_000,
    probeService: args.get('probe-service') ?? '',
  };
  const local: LocalCaches = {
    services: new Informer(client, SERVICES),
    endpoints: new Informer(client, ENDPOINTS),
    namespaces: new Informer(client, NAMESPACES),
    links: new Informer(client, { ...LINK, namespace }),
  };
  const controller = new LinkController({ running, client, namespace, options, local, link });
  let ready = false;
  serveAdmin(running, portOf(args.get('metrics-addr'), 9999), {
    ready: () => ready,
    metrics: () => controller.metrics(),
  });
  running.life.add(() => {
    controller.stop();
    for (const informer of Object.values(local)) informer.stop();
  });
  void Promise.all([local.services, local.endpoints, local.namespaces].map((each) => each.start())).then(async () => {
    ready = true;
    await local.links.start();
    const lease = new WriteLease({
      client,
      clock: context.clock,
      namespace,
      identity: context.pod.name,
      name: isLocal ? 'local-service-mirror-write' : leaseOf(link),
    });
    const start = () =>
      isLocal
        ? controller.startLocal(
            args.get('federated-service-selector') ?? 'mirror.linkerd.io/federated=member',
            listOf(args.get('excluded-labels')),
            listOf(args.get('excluded-annotations')),
          )
        : controller.start();
    await hold(running, lease, context.pod.name, start, () => controller.stop());
  });
  return running;
}

const listOf = (text: string | undefined): string[] => (text ?? '').split(',').filter(Boolean);

/** Works while this replica has the lease. */
async function hold(
  running: Running,
  lease: WriteLease,
  identity: string,
  start: () => void,
  stop: () => void,
): Promise<void> {
  const { clock } = running.context;
  const { signal } = running.life;
  let held = false;
  while (!signal.aborted) {
    const holds = await lease.hold();
    if (signal.aborted) return;
    if (holds && !held) {
      running.logrus('info', `${identity} acquired lease`);
      start();
    } else if (!holds && held) {
      running.logrus('info', `${identity} released lease`);
      stop();
    }
    held = holds;
    await clock.sleep(CLAIM_MS, signal, { lazy: true }).catch(() => {});
  }
}

interface ControllerOptions {
  running: Running;
  client: KubeClient;
  namespace: string;
  options: MirrorOptions;
  local: LocalCaches;
  link: string;
}

/** Follows one Link and keeps a session with the cluster that it names. */
class LinkController {
  readonly #o: ControllerOptions;
  #session: LinkSession | undefined;
  #unfollow: (() => void) | undefined;
  #generation = 0;

  constructor(options: ControllerOptions) {
    this.#o = options;
  }

  metrics(): string {
    return this.#session?.metrics.render() ?? '';
  }

  start(): void {
    const { running, namespace, local, link } = this.#o;
    this.#unfollow = local.links.onChange((event) => {
      if (event.object.metadata.name !== link) return;
      if (event.type === 'delete') {
        running.logrus('info', `Link ${link} deleted`);
        return this.#end();
      }
      if (event.type === 'update' && JSON.stringify(event.old.spec) === JSON.stringify(event.object.spec)) return;
      running.logrus('info', `Got updated link ${link}`);
      void this.#open(event.object);
    });
    const present = local.links.get(namespace, link);
    if (present) void this.#open(present);
  }

  startLocal(selector: string, excludedLabels: string[], excludedAnnotations: string[]): void {
    // Refused here in the words of the API, should it be no selector.
    parseLabelSelector(selector);
    const { running, client, namespace, options, local } = this.#o;
    const link: KubeObject = {
      apiVersion: `${LINK.group}/${LINK.version}`,
      kind: 'Link',
      metadata: { name: 'local', namespace },
      spec: {
        targetClusterName: '',
        federatedServiceSelector: selectorOf(selector),
        excludedLabels,
        excludedAnnotations,
      },
    };
    this.#session = openLocal({ running, client, namespace, options, local, link });
  }

  async #open(link: KubeObject): Promise<void> {
    this.#end();
    const generation = this.#generation;
    const { running, client, namespace, options, local } = this.#o;
    const { signal } = running.life;
    while (!signal.aborted && generation === this.#generation) {
      try {
        const session = await openRemote({ running, client, namespace, options, local, link });
        if (signal.aborted || generation !== this.#generation) session.stop();
        else this.#session = session;
        return;
      } catch (error) {
        running.logrus('error', messageOf(error));
        await running.context.clock.sleep(RESTART_MS, signal, { lazy: true }).catch(() => {});
      }
    }
  }

  #end(): void {
    this.#generation++;
    this.#session?.stop();
    this.#session = undefined;
  }

  stop(): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
    this.#end();
  }
}
