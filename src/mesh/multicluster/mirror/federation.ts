import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { LOCAL_DISCOVERY, MIRRORED_SERVICE, REMOTE_DISCOVERY, SERVICES } from '../labels.ts';
import { federatedName, type LinkSpec } from './link.ts';
import { federatedService, isMember, joined, left } from './mirrored.ts';
import type { Outcomes } from './outcomes.ts';
import type { WatcherWorld } from './world.ts';

/** Keeps one cluster's members in the federated Services of this one. */
export class Federation {
  readonly #world: WatcherWorld;
  readonly #link: KubeObject;
  readonly #spec: LinkSpec;
  readonly #outcomes: Outcomes;

  constructor(world: WatcherWorld, link: KubeObject, outcomes: Outcomes) {
    this.#world = world;
    this.#link = link;
    this.#spec = link.spec;
    this.#outcomes = outcomes;
  }

  async join(service: KubeObject): Promise<void> {
    const { namespace = '', name = '' } = service.metadata;
    if (service.spec?.clusterIP === 'None') {
      const message = 'Headless service cannot join federated service';
      await this.#outcomes.federated(service, { reason: 'InvalidService', message });
      this.#world.log('error', `headless service ${namespace}/${name} cannot join federated service`);
      return;
    }
    const present = this.#world.local.services.get(namespace, federatedName(name));
    if (present) await this.#update(present, service);
    else if (await this.#outcomes.hasNamespace(service, 'federatedServices')) await this.#create(service);
  }

  /** Takes the member out; the last one takes the Service with it. */
  async leave(namespace: string, name: string): Promise<void> {
    const present = this.#world.local.services.get(namespace, federatedName(name));
    if (present?.metadata.labels?.[MIRRORED_SERVICE] === undefined || !isMember(this.#spec, present, name)) return;
    const target = { ...SERVICES, namespace };
    const rest = left(this.#spec, present, name);
    if (rest) await this.#world.client.update(target, rest);
    else {
      this.#world.log('info', `Deleting federated service ${namespace}/${federatedName(name)}`);
      await this.#world.client.delete(target, federatedName(name)).catch(unlessGone);
    }
    await this.#outcomes.forget('federatedServices', namespace, name);
  }

  async #create(service: KubeObject): Promise<void> {
    const made = federatedService(this.#spec, service);
    const { namespace = '', name = '' } = service.metadata;
    this.#world.log('info', `Creating a new federated service for ${namespace}/${name}`);
    try {
      await this.#world.client.create({ ...SERVICES, namespace }, made);
    } catch (error) {
      // Another member was faster: this one joins.
      if (error instanceof StatusError && error.code === 409) {
        return this.#update(
          await this.#world.client.get({ ...SERVICES, namespace }, made.metadata.name ?? ''),
          service,
        );
      }
      const message = `Failed to create federated service: ${(error as Error).message}`;
      await this.#outcomes.federated(service, { reason: 'Error', message });
      throw error;
    }
    await this.#outcomes.federated(service, { reason: 'Mirrored', local: made });
  }

  async #update(present: KubeObject, service: KubeObject): Promise<void> {
    const wanted = joined(this.#spec, present, service, this.#isOldest(present));
    if (text(wanted) === text(present)) return;
    this.#world.log('info', `Updating federated service ${present.metadata.namespace}/${present.metadata.name}`);
    try {
      await this.#world.client.update({ ...SERVICES, namespace: present.metadata.namespace ?? '' }, wanted);
    } catch (error) {
      const message = `Failed to update federated service: ${(error as Error).message}`;
      await this.#outcomes.federated(service, { reason: 'Error', message });
      throw error;
    }
    await this.#outcomes.federated(service, { reason: 'Mirrored', local: wanted });
  }

  /** The cluster itself counts as the oldest, then the links by their age. */
  #isOldest({ metadata: { annotations = {} } }: KubeObject): boolean {
    if (this.#spec.targetClusterName === '') return true;
    if (annotations[LOCAL_DISCOVERY] !== undefined) return false;
    const own = Date.parse(this.#link.metadata.creationTimestamp ?? '');
    return (annotations[REMOTE_DISCOVERY] ?? '').split(',').every((member) => {
      const link = this.#world.local.links.get(this.#world.namespace, member.split('@')[1] ?? '');
      return !link || !(Date.parse(link.metadata.creationTimestamp ?? '') < own);
    });
  }
}

/** What a member may change of a federated Service. */
const text = ({ metadata: { labels, annotations }, spec }: KubeObject): string => {
  const sorted = (entries: Record<string, string> = {}) => Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
  const ports = (spec?.ports ?? []).map(
    (each: { name?: string; protocol?: string; port: number; targetPort?: unknown }) => [
      each.name ?? '',
      each.protocol ?? 'TCP',
      each.port,
      each.targetPort ?? each.port,
    ],
  );
  return JSON.stringify([sorted(labels), sorted(annotations), ports]);
};

export function unlessGone(error: unknown): void {
  if (!(error instanceof StatusError) || error.code !== 404) throw error;
}
