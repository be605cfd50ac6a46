import { messageOf } from '#base/errors.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { CLUSTER_NAME, ENDPOINTS, HEADLESS_ROOT, MIRRORED_SERVICE, REMOTE_VERSION, SERVICES } from '../labels.ts';
import { GatewayEndpoints } from './endpoints.ts';
import { Federation, unlessGone } from './federation.ts';
import { HeadlessMirrors } from './headless.ts';
import { type LinkSpec, mirrorName, remoteName, wantedOf } from './link.ts';
import type { MirrorMetrics } from './metrics.ts';
import { isMember, isMirrorOf, mirrorAnnotations, mirrorLabels, mirrorPorts, mirrorService } from './mirrored.ts';
import { Outcomes } from './outcomes.ts';
import { RetryQueue } from './queue.ts';
import type { WatcherWorld } from './world.ts';

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

/**
 * Keeps this cluster's mirrors of another's Services as its link wants them (service-mirror/cluster_watcher.go). Every
 * change looks at one Service of the other cluster, by `namespace/name`, and mends what differs.
 */
export class ClusterWatcher {
  readonly #world: WatcherWorld;
  readonly #spec: LinkSpec;
  readonly #metrics: MirrorMetrics;
  readonly #queue: RetryQueue;
  readonly #outcomes: Outcomes;
  readonly #gateway: GatewayEndpoints;
  readonly #federation: Federation;
  readonly #headless: HeadlessMirrors;
  readonly #stops: (() => void)[] = [];

  constructor(world: WatcherWorld, link: KubeObject, metrics: MirrorMetrics) {
    this.#world = world;
    this.#spec = link.spec;
    this.#metrics = metrics;
    this.#outcomes = new Outcomes(world, link);
    this.#gateway = new GatewayEndpoints(world, this.#spec);
    this.#federation = new Federation(world, link, this.#outcomes);
    this.#headless = new HeadlessMirrors(world, this.#spec, this.#gateway, this.#outcomes);
    this.#queue = new RetryQueue({
      clock: world.clock,
      limit: world.options.retries,
      work: (key) => this.#reconcile(key),
      failed: (key, error, again) =>
        world.log('error', `Error processing ${key} (${again ? 'will retry' : 'giving up'}): ${messageOf(error)}`),
    });
  }

  /** Starts with everything that is there, on both sides; then follows changes. The caches are filled. */
  start(): void {
    const { remote, local, clock, options } = this.#world;
    this.#stops.push(
      remote.services.onChange(({ object }) => this.#queue.add(keyOf(object))),
      remote.endpoints.onChange(({ object }) => {
        if (wantedOf(this.#spec, object).mirror === 'gateway') this.#queue.add(keyOf(object));
      }),
      local.namespaces.onChange(({ type, object }) => {
        if (type !== 'add') return;
        for (const service of remote.services.list()) {
          if (service.metadata.namespace === object.metadata.name) this.#queue.add(keyOf(service));
        }
      }),
    );
    for (const service of remote.services.list()) this.#queue.add(keyOf(service));
    for (const key of this.#orphans()) this.#queue.add(key);
    if (!this.#spec.gatewayAddress) return;
    void this.repair();
    const timer = clock.setInterval(() => void this.repair(), options.repairMs, { lazy: true });
    this.#stops.push(() => timer.cancel());
  }

  /** What the probe found out. */
  setAlive(alive: boolean): void {
    this.#gateway.alive = alive;
    void this.repair();
  }

  /** Looks at the probe's endpoints and at every mirror's anew: addresses of the gateway may have changed. */
  async repair(): Promise<void> {
    const { local, options, log } = this.#world;
    this.#metrics.repaired();
    try {
      if (options.probeService && this.#spec.probeSpec?.port) await this.#gateway.putProbe(options.probeService);
    } catch (error) {
      log('error', `Failed to create/update gateway mirror endpoints: ${messageOf(error)}`);
    }
    for (const service of local.services.list()) {
      if (!isMirrorOf(service, this.#spec.targetClusterName)) continue;
      const root = service.metadata.labels?.[HEADLESS_ROOT] ?? service.metadata.name ?? '';
      this.#queue.add(`${service.metadata.namespace}/${remoteName(this.#spec, root)}`);
    }
  }

  /** Nothing that was made is taken away: a link that ends leaves that to who ends it. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#queue.close();
  }

  /** Services of the other cluster whose mirrors are here, and that may be gone. */
  *#orphans(): Iterable<string> {
    const cluster = this.#spec.targetClusterName;
    for (const service of this.#world.local.services.list()) {
      const { name = '', namespace = '', labels = {} } = service.metadata;
      if (labels[MIRRORED_SERVICE] === undefined) continue;
      if (cluster !== '' && labels[CLUSTER_NAME] === cluster) {
        yield `${namespace}/${remoteName(this.#spec, labels[HEADLESS_ROOT] ?? name)}`;
      } else if (name.endsWith('-federated')) {
        const member = name.slice(0, -'-federated'.length);
        if (isMember(this.#spec, service, member)) yield `${namespace}/${member}`;
      }
    }
  }

  async #reconcile(key: string): Promise<void> {
    const at = key.indexOf('/');
    const [namespace, name] = [key.slice(0, at), key.slice(at + 1)];
    const service = this.#world.remote.services.get(namespace, name);
    const wanted = service ? wantedOf(this.#spec, service) : { mirror: undefined, federated: false };
    if (service && wanted.mirror) await this.#mirror(service, wanted.mirror);
    else await this.#unmirror(namespace, name);
    if (service && wanted.federated) await this.#federation.join(service);
    else await this.#federation.leave(namespace, name);
  }

  async #mirror(service: KubeObject, kind: 'gateway' | 'flat'): Promise<void> {
    const { namespace = '', name = '' } = service.metadata;
    if (this.#world.options.headless && service.spec?.clusterIP === 'None' && kind === 'gateway') {
      return this.#headless.mirror(service);
    }
    const present = this.#world.local.services.get(namespace, mirrorName(this.#spec, name));
    const isNew = present === undefined;
    const isOld = present?.metadata.annotations?.[REMOTE_VERSION] !== service.metadata.resourceVersion;
    if (isNew && !(await this.#outcomes.hasNamespace(service, 'mirrorServices'))) return;
    let local = present;
    try {
      if (isNew) local = await this.#create(service);
      if (kind === 'gateway') await this.#gateway.ensure(service);
      else if (!isNew) await this.#dropEndpoints(namespace, mirrorName(this.#spec, name));
      if (present && isOld) local = await this.#update(present, service);
    } catch (error) {
      const message = `Failed to ${isNew ? 'create' : 'update'} mirror service: ${messageOf(error)}`;
      await this.#outcomes.mirrored(service, { reason: 'Error', message });
      throw error;
    }
    if (local && (isNew || isOld)) await this.#outcomes.mirrored(service, { reason: 'Mirrored', local });
  }

  async #create(service: KubeObject): Promise<KubeObject> {
    const made = mirrorService(this.#spec, service);
    const { namespace = '' } = made.metadata;
    this.#world.log('info', `Creating a new service mirror for ${keyOf(service)}`);
    try {
      await this.#world.client.create({ ...SERVICES, namespace }, made);
    } catch (error) {
      // It may have been made in an earlier try.
      if (!(error instanceof StatusError) || error.code !== 409) throw error;
    }
    return made;
  }

  async #update(present: KubeObject, service: KubeObject): Promise<KubeObject> {
    this.#world.log('info', `Updating mirror service for ${keyOf(service)}`);
    const { namespace = '' } = present.metadata;
    return this.#world.client.update(
      { ...SERVICES, namespace },
      {
        ...present,
        metadata: {
          ...present.metadata,
          labels: mirrorLabels(this.#spec, service),
          annotations: mirrorAnnotations(this.#spec, service),
        },
        spec: { ...present.spec, ports: mirrorPorts(service) },
      },
    );
  }

  /** A mirror that became flat needs no Endpoints. */
  async #dropEndpoints(namespace: string, name: string): Promise<void> {
    if (!this.#world.local.endpoints.get(namespace, name)) return;
    await this.#world.client.delete({ ...ENDPOINTS, namespace }, name).catch(unlessGone);
  }

  async #unmirror(namespace: string, name: string): Promise<void> {
    const { local, client, log } = this.#world;
    const mirror = mirrorName(this.#spec, name);
    const present = local.services.get(namespace, mirror);
    if (!present || !isMirrorOf(present, this.#spec.targetClusterName)) return;
    for (const service of local.services.list()) {
      if (service.metadata.namespace !== namespace || service.metadata.labels?.[HEADLESS_ROOT] !== mirror) continue;
      await client.delete({ ...SERVICES, namespace }, service.metadata.name ?? '').catch(unlessGone);
    }
    log('info', `Deleting mirrored service ${namespace}/${mirror}`);
    await client.delete({ ...SERVICES, namespace }, mirror).catch(unlessGone);
    await this.#outcomes.forget('mirrorServices', namespace, name);
  }
}
