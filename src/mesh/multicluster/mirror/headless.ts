import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { HEADLESS_ROOT, REMOTE_FQDN, REMOTE_GATEWAY_IDENTITY, REMOTE_VERSION, SERVICES } from '../labels.ts';
import type { GatewayEndpoints } from './endpoints.ts';
import { unlessGone } from './federation.ts';
import { type LinkSpec, mirrorName, remoteFqdn } from './link.ts';
import { gatewaySubsets, mirrorEndpoints, mirrorLabels, mirrorPorts, mirrorService, type Subset } from './mirrored.ts';
import type { Outcomes } from './outcomes.ts';
import type { WatcherWorld } from './world.ts';

/**
 * Mirrors of headless Services: a headless one, and behind it one Service with an address for each pod that has a name,
 * which leads to that pod through the gateway (service-mirror/cluster_watcher_headless.go).
 */
export class HeadlessMirrors {
  readonly #world: WatcherWorld;
  readonly #spec: LinkSpec;
  readonly #gateway: GatewayEndpoints;
  readonly #outcomes: Outcomes;

  constructor(world: WatcherWorld, spec: LinkSpec, gateway: GatewayEndpoints, outcomes: Outcomes) {
    this.#world = world;
    this.#spec = spec;
    this.#gateway = gateway;
    this.#outcomes = outcomes;
  }

  async mirror(service: KubeObject): Promise<void> {
    const { namespace = '', name = '' } = service.metadata;
    if (mirrorPorts(service).length === 0) {
      this.#outcomes.skipped(service, 'Skipped mirroring service: object spec has no exposed ports');
      return;
    }
    const subsets = (this.#world.remote.endpoints.get(namespace, name)?.['subsets'] ?? []) as Subset[];
    // Whether the mirror is headless too shows only when there are addresses.
    if (subsets.length === 0 && !this.#here(namespace, mirrorName(this.#spec, name))) return;
    let root = this.#here(namespace, mirrorName(this.#spec, name));
    if (!root) {
      if (!(await this.#outcomes.hasNamespace(service, 'mirrorServices'))) return;
      root = await this.#createRoot(service, subsets);
      await this.#outcomes.mirrored(service, { reason: 'Mirrored', local: root });
    }
    if (root.spec?.clusterIP !== 'None') return this.#gateway.ensure(service);
    const mirrored: Subset[] = [];
    for (const { addresses = [], ports = [] } of subsets) {
      const named: NonNullable<Subset['addresses']> = [];
      for (const { hostname } of addresses) {
        if (hostname) named.push({ hostname, ip: await this.#pod(service, hostname) });
      }
      if (named.length > 0) mirrored.push({ addresses: named, ports });
    }
    await this.#gateway.put(
      this.#world.local.endpoints.get(namespace, mirrorName(this.#spec, name)),
      mirrorEndpoints(this.#spec, service, mirrored),
    );
    await this.#prune(service, mirrored);
  }

  #here(namespace: string, name: string): KubeObject | undefined {
    return this.#world.local.services.get(namespace, name);
  }

  async #createRoot(service: KubeObject, subsets: Subset[]): Promise<KubeObject> {
    const made = mirrorService(this.#spec, service);
    const hasNames = subsets.some(({ addresses = [], notReadyAddresses = [] }) =>
      [...addresses, ...notReadyAddresses].some(({ hostname }) => hostname),
    );
    if (hasNames) made.spec.clusterIP = 'None';
    return this.#make(made);
  }

  /** The Service for one pod, and its cluster address. */
  async #pod(service: KubeObject, hostname: string): Promise<string> {
    const { namespace = '', name = '' } = service.metadata;
    const own = mirrorName(this.#spec, hostname);
    const fqdn = `${hostname}.${remoteFqdn(this.#spec, service)}`;
    const labels = { ...mirrorLabels(this.#spec, service), [HEADLESS_ROOT]: mirrorName(this.#spec, name) };
    const present =
      this.#here(namespace, own) ??
      (await this.#make({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: {
          name: own,
          namespace,
          labels,
          annotations: { [REMOTE_FQDN]: fqdn, [REMOTE_VERSION]: service.metadata.resourceVersion ?? '' },
        },
        spec: { ports: mirrorPorts(service) },
      }));
    const identity = this.#spec.gatewayIdentity;
    await this.#gateway.put(this.#world.local.endpoints.get(namespace, own), {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: {
        name: own,
        namespace,
        labels,
        annotations: { [REMOTE_FQDN]: fqdn, ...(identity ? { [REMOTE_GATEWAY_IDENTITY]: identity } : {}) },
      },
      subsets: gatewaySubsets(this.#spec, service, {
        addresses: await this.#gateway.addresses(),
        alive: this.#gateway.alive,
        empty: false,
      }),
    });
    return present.spec?.clusterIP ?? '';
  }

  async #make(object: KubeObject): Promise<KubeObject> {
    const target = { ...SERVICES, namespace: object.metadata.namespace ?? '' };
    try {
      return await this.#world.client.create(target, object);
    } catch (error) {
      if (!(error instanceof StatusError) || error.code !== 409) throw error;
      return this.#world.client.get(target, object.metadata.name ?? '');
    }
  }

  /** Services of pods that are no more. */
  async #prune(service: KubeObject, subsets: Subset[]): Promise<void> {
    const { namespace = '', name = '' } = service.metadata;
    const names = subsets.flatMap(({ addresses = [] }) =>
      addresses.map(({ hostname }) => mirrorName(this.#spec, hostname ?? '')),
    );
    for (const each of this.#world.local.services.list()) {
      if (each.metadata.namespace !== namespace) continue;
      if (each.metadata.labels?.[HEADLESS_ROOT] !== mirrorName(this.#spec, name)) continue;
      if (names.includes(each.metadata.name ?? '')) continue;
      await this.#world.client.delete({ ...SERVICES, namespace }, each.metadata.name ?? '').catch(unlessGone);
    }
  }
}
