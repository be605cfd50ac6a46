import { timeSuffix } from '#base/ids.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { CLUSTER_NAME, MIRRORED_SERVICE, NAMESPACES } from '../labels.ts';
import type { LinkSpec } from './link.ts';
import { LinkStatus, type Reason, type StatusList } from './status.ts';
import type { WatcherWorld } from './world.ts';

type Outcome = { reason: Reason; message?: string; local?: KubeObject };

/** Says what became of the other cluster's Services: in the Link's status, and there in an event. */
export class Outcomes {
  readonly #world: WatcherWorld;
  readonly #spec: LinkSpec;
  readonly #status: LinkStatus;
  /** Services that were told already that they are skipped. */
  readonly #told = new Set<string>();

  constructor(world: WatcherWorld, link: KubeObject) {
    this.#world = world;
    this.#spec = link.spec;
    this.#status = new LinkStatus(world.client, world.clock, link);
  }

  mirrored = (service: KubeObject, outcome: Outcome): Promise<void> =>
    this.#status.set('mirrorServices', service, outcome);
  federated = (service: KubeObject, outcome: Outcome): Promise<void> =>
    this.#status.set('federatedServices', service, outcome);
  forget = (list: StatusList, namespace: string, name: string): Promise<void> =>
    this.#status.remove(list, namespace, name);

  /** Whether the Service's namespace is here too; makes it where that is asked for. */
  async hasNamespace(service: KubeObject, list: StatusList): Promise<boolean> {
    const { namespace = '', name = '' } = service.metadata;
    const { client, options, log } = this.#world;
    try {
      await client.get(NAMESPACES, namespace);
      return true;
    } catch (error) {
      if (!(error instanceof StatusError) || error.code !== 404) {
        await this.#status.set(list, service, {
          reason: 'Error',
          message: `Failed get namespace: ${(error as Error).message}`,
        });
        throw error;
      }
    }
    if (options.createNamespaces) {
      const labels = { [MIRRORED_SERVICE]: 'true', [CLUSTER_NAME]: this.#spec.targetClusterName };
      await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } });
      return true;
    }
    log('warning', `Skipping mirroring of service ${namespace}/${name}: namespace ${namespace} does not exist`);
    this.skipped(service, 'Skipped mirroring service: namespace does not exist');
    await this.#status.set(list, service, { reason: 'MissingNamespace', message: 'Namespace does not exist' });
    return false;
  }

  /** An event about a Service, where its owners look: in their own cluster. */
  skipped(service: KubeObject, message: string): void {
    const { namespace = '', name = '', uid = '', resourceVersion } = service.metadata;
    const key = `${uid}/${message}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const now = this.#world.clock.now();
    const at = rfc3339(now);
    const component = `linkerd-service-mirror-${this.#spec.targetClusterName}`;
    void this.#world.remote.client
      .create(
        { group: '', version: 'v1', resource: 'events', namespace },
        {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: `${name}.${timeSuffix(now)}`, namespace },
          involvedObject: { apiVersion: 'v1', kind: 'Service', namespace, name, uid, resourceVersion },
          reason: 'ServiceMirroringSkipped',
          message,
          source: { component },
          firstTimestamp: at,
          lastTimestamp: at,
          count: 1,
          type: 'Normal',
          eventTime: null,
          reportingComponent: component,
          reportingInstance: '',
        },
      )
      .catch(() => {});
  }
}
