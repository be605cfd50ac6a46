import type { Clock } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { groupKind, WATCHED } from './core/objects.ts';
import { dueStatuses } from './core/status.ts';
import type { PolicyIndex } from './policy-index.ts';

/**
 * Writes what ought to be in the statuses of routes, rate limits and egress networks. One pass at a time; a change that
 * comes meanwhile starts another. Only the replica that holds the lease writes.
 */
export class StatusWriter {
  readonly #index: PolicyIndex;
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #clusterNetworks: string[];
  readonly #log: (message: string) => void;
  #running = false;
  #again = false;
  #stopped = false;

  constructor(options: {
    index: PolicyIndex;
    client: KubeClient;
    clock: Clock;
    clusterNetworks: string[];
    log(message: string): void;
  }) {
    this.#index = options.index;
    this.#client = options.client;
    this.#clock = options.clock;
    this.#clusterNetworks = options.clusterNetworks;
    this.#log = options.log;
  }

  stop(): void {
    this.#stopped = true;
  }

  async write(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    try {
      do {
        this.#again = false;
        const now = new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
        for (const due of [...dueStatuses(this.#index.objects, this.#clusterNetworks, now)]) {
          if (this.#stopped) return;
          await this.#patch(due);
        }
      } while (this.#again);
    } finally {
      this.#running = false;
    }
  }

  async #patch({ kind, object, status }: ReturnType<typeof dueStatuses> extends Generator<infer T> ? T : never) {
    const { namespace = '', name = '' } = object.metadata;
    const names = groupKind(kind);
    const span = `status_controller:patch{name="${name}" namespace="${namespace}" group=${names.group} kind=${names.kind}}`;
    try {
      await this.#client.patch({ ...WATCHED[kind], namespace }, name, 'merge', { status }, { subresource: 'status' });
      this.#log(`${span}: linkerd_policy_controller_k8s_status::index: Patched status`);
    } catch (error) {
      // Gone meanwhile: the watch will say so.
      if (error instanceof StatusError && error.code === 404) return;
      this.#log(
        `${span}: linkerd_policy_controller_k8s_status::index: Failed to patch status error=${messageOf(error)}`,
      );
    }
  }
}
