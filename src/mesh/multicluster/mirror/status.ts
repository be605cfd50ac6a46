import type { Clock } from '#base/clock.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { LINK } from '../labels.ts';

export type Reason = 'Mirrored' | 'InvalidService' | 'Error' | 'MissingNamespace';

interface ServiceStatus {
  controllerName: string;
  remoteRef: { name: string; namespace: string; kind: string; group: string };
  conditions: object[];
}

export type StatusList = 'mirrorServices' | 'federatedServices';

/** Writes what became of each Service into the Link's status. */
export class LinkStatus {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #link: KubeObject;

  constructor(client: KubeClient, clock: Clock, link: KubeObject) {
    this.#client = client;
    this.#clock = clock;
    this.#link = link;
  }

  /** `local`: the Service that was made; absent where none was. */
  async set(
    list: StatusList,
    remote: KubeObject,
    outcome: { reason: Reason; message?: string; local?: KubeObject },
  ): Promise<void> {
    const { name = '', namespace = '' } = remote.metadata;
    const condition = {
      type: 'Mirrored',
      status: outcome.reason === 'Mirrored' ? 'True' : 'False',
      reason: outcome.reason,
      message: outcome.message ?? '',
      lastTransitionTime: rfc3339(this.#clock.now()),
      ...(outcome.local
        ? {
            localRef: {
              name: outcome.local.metadata.name,
              namespace: outcome.local.metadata.namespace,
              kind: 'Service',
              group: '',
            },
          }
        : {}),
    };
    await this.#change(list, (statuses) => {
      const known = statuses.find(({ remoteRef }) => remoteRef.name === name && remoteRef.namespace === namespace);
      if (known) {
        return statuses.map((each) => (each === known ? { ...known, conditions: [condition] } : each));
      }
      return [
        ...statuses,
        {
          controllerName: 'linkerd.io/service-mirror',
          remoteRef: { name, namespace, kind: 'Service', group: '' },
          conditions: [condition],
        },
      ];
    });
  }

  async remove(list: StatusList, namespace: string, name: string): Promise<void> {
    await this.#change(list, (statuses) =>
      statuses.filter(({ remoteRef }) => remoteRef.name !== name || remoteRef.namespace !== namespace),
    );
  }

  /** A status that can't be written is no reason to leave a Service unmirrored. */
  async #change(list: StatusList, change: (statuses: ServiceStatus[]) => ServiceStatus[]): Promise<void> {
    const { name = '', namespace = '' } = this.#link.metadata;
    // The cluster itself has no Link.
    if (!this.#link.spec?.targetClusterName) return;
    const target = { ...LINK, namespace };
    try {
      const link = await this.#client.get(target, name);
      const before: ServiceStatus[] = link.status?.[list] ?? [];
      const status = { ...link.status, [list]: change(before) };
      await this.#client.patch(target, name, 'merge', { status }, { subresource: 'status' });
    } catch {
      // The next change writes again.
    }
  }
}
