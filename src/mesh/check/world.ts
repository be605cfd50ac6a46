import { parse } from 'yaml';
import type { Clock } from '#base/clock.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import type { Values } from '#mesh/install/values.ts';

export const CORE = (resource: string, namespace?: string): Target => ({
  group: '',
  version: 'v1',
  resource,
  ...(namespace === undefined ? {} : { namespace }),
});

export interface WorldOptions {
  client: KubeClient;
  clock: Clock;
  /** Where the control plane is. */
  controlPlane: string;
  cliVersion: string;
  expectedVersion?: string;
  /** Of `--proxy`; absent: all namespaces. */
  dataPlane?: string;
  cniEnabled?: boolean;
  /** Where the CNI plugin would be; default `linkerd-cni`. */
  cniNamespace?: string;
  /** Before an installation nothing of a control plane is asked. */
  preInstall?: boolean;
}

/** What the checks look at, each read at most once a pass. */
export class World {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly controlPlane: string;
  readonly cliVersion: string;
  readonly expectedVersion: string | undefined;
  readonly dataPlane: string | undefined;
  readonly cniEnabled: boolean;
  readonly cniNamespace: string;
  readonly preInstall: boolean;
  readonly #once = new Map<string, Promise<unknown>>();

  constructor(options: WorldOptions) {
    this.client = options.client;
    this.clock = options.clock;
    this.controlPlane = options.controlPlane;
    this.cliVersion = options.cliVersion;
    this.expectedVersion = options.expectedVersion;
    this.dataPlane = options.dataPlane;
    this.cniEnabled = options.cniEnabled ?? false;
    this.cniNamespace = options.cniNamespace ?? 'linkerd-cni';
    this.preInstall = options.preInstall ?? false;
  }

  /** Reads once; a failure is forgotten, so that a retry reads again. */
  once<T>(key: string, read: () => Promise<T>): Promise<T> {
    let value = this.#once.get(key) as Promise<T> | undefined;
    if (!value) {
      value = read();
      value.catch(() => this.#once.delete(key));
      this.#once.set(key, value);
    }
    return value;
  }

  /** Undefined when there is no such object. */
  async find(target: Target, name: string): Promise<KubeObject | undefined> {
    try {
      return await this.client.get(target, name);
    } catch (error) {
      if (error instanceof StatusError && error.code === 404) return undefined;
      throw error;
    }
  }

  async list(target: Target, labelSelector?: string): Promise<KubeObject[]> {
    return (await this.client.list(target, labelSelector === undefined ? {} : { labelSelector })).items;
  }

  config(): Promise<KubeObject> {
    return this.once('config', () => this.client.get(CORE('configmaps', this.controlPlane), 'linkerd-config'));
  }

  async values(): Promise<Values> {
    return parse((await this.config()).data?.values ?? '') as Values;
  }

  /** Read afresh each time, for checks that wait. */
  controlPlanePods(): Promise<KubeObject[]> {
    return this.list(CORE('pods', this.controlPlane), `linkerd.io/control-plane-ns=${this.controlPlane}`);
  }

  /** Pods with a proxy of this control plane, in the namespaces that the user asked about. */
  dataPlanePods(): Promise<KubeObject[]> {
    return this.once('data-plane-pods', () =>
      this.list(CORE('pods', this.dataPlane), `linkerd.io/control-plane-ns=${this.controlPlane}`),
    );
  }
}

/** The proxy's container, wherever the pod runs it. */
export function proxyOf(pod: KubeObject): KubeObject['spec'] | undefined {
  const spec = pod.spec ?? {};
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].find(
    (container) => container.name === 'linkerd-proxy',
  );
}

export function statusOf(pod: KubeObject, container: string): KubeObject['status'] | undefined {
  const status = pod.status ?? {};
  return [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].find(
    (each) => each.name === container,
  );
}

/** `\n\t* name` for each, as upstream lists culprits. */
export const bullets = (items: string[]): string => items.map((item) => `\n\t* ${item}`).join('');
