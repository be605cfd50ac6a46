import type { Clock } from '#base/clock.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Store } from '#kube/store/store.ts';
import { type Aggregation, API_SERVICES } from './aggregation.ts';

const TARGET = { group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices' };
const SLICES = 'discovery.k8s.io/endpointslices';
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 30_000;

interface Verdict {
  status: 'True' | 'False';
  reason: string;
  message: string;
}

/**
 * Says of every APIService whether its Service answers, and asks it what it serves. Looks again when the Service or its
 * endpoints change, and by and by while it does not answer. Source: kube-aggregator/pkg/controllers/status/remote.
 */
export class Availability {
  readonly #options: { store: Store; client: KubeClient; clock: Clock; aggregation: Aggregation };
  readonly #abort = new AbortController();
  /** Those that are being looked at; `again` when something changed meanwhile. */
  readonly #looking = new Map<string, { again: boolean }>();

  constructor(options: { store: Store; client: KubeClient; clock: Clock; aggregation: Aggregation }) {
    this.#options = options;
  }

  start(): void {
    const { store } = this.#options;
    const { signal } = this.#abort;
    const stops = [
      store.watch(API_SERVICES, ({ type, object, old }) => {
        if (type !== 'DELETED' && JSON.stringify(object.spec) !== JSON.stringify(old?.spec)) this.#look(object);
      }),
      store.watch('/services', ({ object }) => this.#changed(object.metadata.namespace, object.metadata.name)),
      store.watch(SLICES, ({ object }) =>
        this.#changed(object.metadata.namespace, object.metadata.labels?.['kubernetes.io/service-name']),
      ),
    ];
    signal.addEventListener('abort', () => {
      for (const stop of stops) stop();
    });
    for (const each of store.list(API_SERVICES)) this.#look(each);
  }

  close(): void {
    this.#abort.abort();
  }

  #changed(namespace: string | undefined, name: string | undefined): void {
    for (const each of this.#options.store.list(API_SERVICES)) {
      const { service } = each.spec ?? {};
      if (service && service.namespace === namespace && service.name === name) this.#look(each);
    }
  }

  #look({ metadata, spec }: KubeObject): void {
    if (!spec?.service) return;
    const name = metadata.name!;
    const running = this.#looking.get(name);
    if (running) running.again = true;
    else void this.#keepLooking(name).catch(() => {});
  }

  async #keepLooking(name: string): Promise<void> {
    const state = { again: true };
    this.#looking.set(name, state);
    const { store, clock } = this.#options;
    const { signal } = this.#abort;
    let wait = FIRST_RETRY_MS;
    try {
      while (!signal.aborted) {
        state.again = false;
        const object = store.get(API_SERVICES, '', name);
        if (!object?.spec?.service) return;
        const verdict = await this.#judge(object);
        await this.#write(name, verdict).catch(() => {
          state.again = true;
        });
        if (verdict.status === 'True' && !state.again) return;
        // Only an answer that fails may change without anything of the API having changed.
        if (verdict.reason !== 'FailedDiscoveryCheck' && !state.again) return;
        if (state.again) wait = FIRST_RETRY_MS;
        await clock.sleep(state.again ? 50 : wait, signal, { lazy: true });
        wait = Math.min(wait * 2, LAST_RETRY_MS);
      }
    } finally {
      this.#looking.delete(name);
    }
  }

  async #judge(object: KubeObject): Promise<Verdict> {
    const { store, aggregation } = this.#options;
    const { name, namespace, port = 443 } = object.spec.service;
    const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message });
    const at = `service/${name} in ${JSON.stringify(namespace)}`;
    const service = store.get('/services', namespace, name);
    if (!service) return no('ServiceNotFound', `${at} is not present`);
    const served = ((service.spec?.ports ?? []) as { name?: string; port: number }[]).find(
      (each) => each.port === port,
    );
    if (!served) return no('ServicePortError', `${at} is not listening on port ${port}`);
    const ready = store
      .list(SLICES, namespace)
      .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
      .flatMap((slice) => (slice['endpoints'] ?? []) as { conditions?: { ready?: boolean } }[])
      .some(({ conditions }) => conditions?.ready !== false);
    if (!ready)
      return no(
        'MissingEndpoints',
        `endpoints for ${at} have no addresses with port name ${JSON.stringify(served.name ?? '')}`,
      );
    try {
      await aggregation.discover(object);
    } catch (error) {
      const { group, version } = object.spec;
      const url = `https://${service.spec.clusterIP}:${port}/apis/${group}/${version}`;
      return no(
        'FailedDiscoveryCheck',
        `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${(error as Error).message}`,
      );
    }
    return { status: 'True', reason: 'Passed', message: 'all checks passed' };
  }

  async #write(name: string, verdict: Verdict): Promise<void> {
    const { store, client, clock } = this.#options;
    const object = store.get(API_SERVICES, '', name);
    if (!object) return;
    const old = (object.status?.conditions ?? []).find(({ type }: { type: string }) => type === 'Available');
    if (old?.status === verdict.status && old.reason === verdict.reason && old.message === verdict.message) return;
    const lastTransitionTime = old?.status === verdict.status ? old.lastTransitionTime : rfc3339(clock.now());
    const conditions = [
      {
        lastTransitionTime,
        message: verdict.message,
        reason: verdict.reason,
        status: verdict.status,
        type: 'Available',
      },
    ];
    await client.update(TARGET, { ...object, status: { conditions } }, { subresource: 'status' });
  }
}
