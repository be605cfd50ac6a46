import type { Clock } from '#base/clock.ts';
import { Lifecycle } from '#base/lifecycle.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { Informer, type InformerEvent } from '#kube/client/informer.ts';
import { EventRecorder } from './event-recorder.ts';

/** What a controller works with. Its informers only wake it: what it decides on, it reads from the API. */
export interface Desk {
  client: KubeClient;
  clock: Clock;
  events(component: string): EventRecorder;
  /** A line about work that failed and is tried again. */
  failed(controller: string): (key: string, error: unknown) => void;
  /** Secrets of these issuers that are for the whole cluster stand in this namespace. */
  clusterResourceNamespace: string;
  life: Lifecycle;
  informer(target: Target): Informer;
}

export function createDesk(o: {
  client: KubeClient;
  clock: Clock;
  clusterResourceNamespace: string;
  failed: (controller: string, key: string, error: unknown) => void;
}): Desk & { start(): Promise<void> } {
  const life = new Lifecycle();
  const informers = new Map<string, Informer>();
  const recorders = new Map<string, EventRecorder>();
  return {
    client: o.client,
    clock: o.clock,
    clusterResourceNamespace: o.clusterResourceNamespace,
    life,
    failed: (controller) => (key, error) => o.failed(controller, key, error),
    events(component) {
      const made = recorders.get(component) ?? new EventRecorder(o.client, o.clock, component);
      recorders.set(component, made);
      return made;
    },
    informer(target) {
      const key = `${target.group}/${target.resource}`;
      const made = informers.get(key) ?? new Informer(o.client, target);
      if (!informers.has(key)) life.add(() => made.stop());
      informers.set(key, made);
      return made;
    },
    async start() {
      await Promise.all([...informers.values()].map((each) => each.start()));
    },
  };
}

export const changed = (listener: (object: KubeObject) => void) => (event: InformerEvent) => {
  if (event.old) listener(event.old);
  listener(event.object);
};
