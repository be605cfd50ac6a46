import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { CLUSTER_NAME, ENDPOINTS, REMOTE_GATEWAY_IDENTITY } from '../labels.ts';
import { type LinkSpec, mirrorName } from './link.ts';
import { gatewaySubsets, isEmpty, mirrorEndpoints, type Subset, subsetsText } from './mirrored.ts';
import type { WatcherWorld } from './world.ts';

/** The Endpoints of mirrors: where the gateway is, as long as it answers. */
export class GatewayEndpoints {
  readonly #world: WatcherWorld;
  readonly #spec: LinkSpec;
  /** True until a probe says otherwise, so that nothing fails fast before the first. */
  alive = true;

  constructor(world: WatcherWorld, spec: LinkSpec) {
    this.#world = world;
    this.#spec = spec;
  }

  /** Every address that the gateway's names stand for. Throws when there is none. */
  async addresses(): Promise<string[]> {
    const failures: string[] = [];
    const found: string[] = [];
    for (const each of (this.#spec.gatewayAddress ?? '').split(',')) {
      const host = each.trim();
      try {
        found.push(...(await this.#world.resolve(host)));
      } catch (error) {
        failures.push(`Error resolving '${host}': ${(error as Error).message}`);
      }
    }
    if (found.length === 0) throw new Error(failures.join('; ') || 'the link has no gateway address');
    return [...new Set(found)].sort();
  }

  /** Makes or mends the Endpoints of one mirror. */
  async ensure(service: KubeObject): Promise<void> {
    const { local, remote } = this.#world;
    const { name = '', namespace = '' } = service.metadata;
    const subsets = gatewaySubsets(this.#spec, service, {
      addresses: await this.addresses(),
      alive: this.alive,
      empty: isEmpty(remote.endpoints.get(namespace, name)),
    });
    const present = local.endpoints.get(namespace, mirrorName(this.#spec, name));
    await this.put(present, mirrorEndpoints(this.#spec, service, subsets));
  }

  /** Writes Endpoints where they differ from what is there. */
  async put(present: KubeObject | undefined, wanted: KubeObject): Promise<void> {
    const { client } = this.#world;
    const target = { ...ENDPOINTS, namespace: wanted.metadata.namespace ?? '' };
    if (!present) {
      try {
        await client.create(target, wanted);
        return;
      } catch (error) {
        // Made a moment ago, or by what was here before: it is brought up to date.
        if (!(error instanceof StatusError) || error.code !== 409) throw error;
        present = await client.get(target, wanted.metadata.name ?? '');
      }
    }
    const identity = wanted.metadata.annotations?.[REMOTE_GATEWAY_IDENTITY];
    const same =
      subsetsText(present['subsets'] as Subset[]) === subsetsText(wanted['subsets'] as Subset[]) &&
      present.metadata.annotations?.[REMOTE_GATEWAY_IDENTITY] === identity;
    if (same) return;
    const annotations = { ...present.metadata.annotations, ...wanted.metadata.annotations };
    await client.update(target, {
      ...present,
      metadata: { ...present.metadata, annotations },
      subsets: wanted['subsets'],
    });
  }

  /** The addresses behind the probe's Service. They are always ready: the probe itself finds out whether they are. */
  async putProbe(service: string): Promise<void> {
    const { namespace, client } = this.#world;
    const target = { ...ENDPOINTS, namespace };
    const wanted: KubeObject = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: {
        name: service,
        namespace,
        labels: { [CLUSTER_NAME]: this.#spec.targetClusterName },
        annotations: { [REMOTE_GATEWAY_IDENTITY]: this.#spec.gatewayIdentity ?? '' },
      },
      subsets: [
        {
          addresses: (await this.addresses()).map((ip) => ({ ip })),
          ports: [{ name: 'mc-probe', port: Number(this.#spec.probeSpec?.port), protocol: 'TCP' }],
        },
      ],
    };
    const present = await client.get(target, service).catch((error: unknown) => {
      if (error instanceof StatusError && error.code === 404) return undefined;
      throw error;
    });
    await this.put(present, wanted);
  }
}
