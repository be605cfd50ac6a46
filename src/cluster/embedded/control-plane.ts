import type { MovableClock } from '#base/clock.ts';
import { Lifecycle } from '#base/lifecycle.ts';
import type { Authority } from '#cluster/linkerd/authority.ts';
import type { UserInfo } from '#kube/api/types.ts';
import { createReviewCaller } from '#kube/apiserver/admission/call-webhook.ts';
import { limitRangeAdmission } from '#kube/apiserver/admission/limit-range.ts';
import { priorityAdmission } from '#kube/apiserver/admission/priority.ts';
import { quotaAdmission } from '#kube/apiserver/admission/quota.ts';
import { podDefaultsAdmission, serviceAccountAdmission } from '#kube/apiserver/admission/service-account.ts';
import { defaultStorageClass, storageProtection } from '#kube/apiserver/admission/storage.ts';
import { tlsSecretWarnings } from '#kube/apiserver/admission/tls-secret.ts';
import { webhookAdmission } from '#kube/apiserver/admission/webhooks.ts';
import { createAuthenticator } from '#kube/apiserver/auth/authenticate.ts';
import { escalationAdmission } from '#kube/apiserver/auth/escalation.ts';
import { createRbac } from '#kube/apiserver/auth/rbac.ts';
import { addReviews } from '#kube/apiserver/auth/reviews.ts';
import { ServiceAccountTokens } from '#kube/apiserver/auth/tokens.ts';
import { Availability } from '#kube/apiserver/availability.ts';
import type { AdmissionPlugin } from '#kube/apiserver/seams.ts';
import { ApiServer, type ApiServerOptions } from '#kube/apiserver/server.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import { startControllers } from '#kube/controllers/start.ts';
import { type Kubelet, type NodeFolders, startKubelet } from '#kube/kubelet/kubelet.ts';
import { Fabric } from '#kube/network/fabric.ts';
import { startServiceProxy } from '#kube/network/start.ts';
import { startScheduler } from '#kube/scheduler/scheduler.ts';
import { type AddressPlan, apiServiceIp, dnsIp } from './addresses.ts';
import { listenInside } from './api-port.ts';
import { frontProxy } from './authority.ts';
import { bootstrapObjects, SYSTEM } from './bootstrap.ts';
import { isMeshImage, sampleImages } from './images.ts';
import { addOutsideHosts } from './outside.ts';
import { asWorker, nodesByPod, workerPlan } from './worker-nodes.ts';

export interface ControlPlaneOptions {
  clock: MovableClock;
  clusterCa: Authority;
  addresses: AddressPlan;
  /** PEM; absent: made. */
  tokenKey?: string;
  volumeSyncMs: number;
  /** Objects of a saved cluster, loaded before anything looks. */
  objects?: string;
  folders?: NodeFolders;
}

/** The API server with everything that makes it safe, before anything acts in it. */
export class ControlPlane {
  readonly server: ApiServer;
  readonly network: Fabric;
  readonly tokens: ServiceAccountTokens;
  readonly admin: KubeClient;
  readonly #options: ControlPlaneOptions;
  #kubelet: Kubelet | undefined;
  readonly #nodes = new Map<string, Kubelet>();
  readonly #life = new Lifecycle();
  readonly #bearers: { token: string; user: UserInfo }[] = [];

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    const { clock, addresses } = options;
    const admission: AdmissionPlugin[] = [];
    const serverOptions: ApiServerOptions = { clock, admission, serviceCidr: addresses.serviceCidr };
    this.server = new ApiServer(serverOptions);
    const { store } = this.server;
    this.tokens = new ServiceAccountTokens(store, clock, options.tokenKey);
    this.network = new Fabric({ clock, nodeIp: addresses.node.ip });
    this.#life.add(addOutsideHosts(this.network, clock));
    const authorize = createRbac(store);
    serverOptions.authenticate = createAuthenticator(this.tokens, this.#bearers);
    serverOptions.authorize = authorize;
    const dial = (host: string, port: number, timeoutMs: number) => this.network.node.dial(host, port, { timeoutMs });
    serverOptions.dial = dial;
    serverOptions.frontProxy = frontProxy(options.clusterCa, () => clock.now());
    admission.push(
      limitRangeAdmission(store),
      priorityAdmission(store),
      podDefaultsAdmission,
      serviceAccountAdmission(store),
      defaultStorageClass(store),
      storageProtection,
      webhookAdmission(store, createReviewCaller(dial, clock)),
      escalationAdmission(store, authorize),
      tlsSecretWarnings,
      quotaAdmission(store),
    );
    addReviews(this.server, this.tokens, authorize, () => clock.now());
    this.admin = this.clientOf(SYSTEM.admin);
    if (options.objects) this.server.import(options.objects);
  }

  clientOf(user: UserInfo): KubeClient {
    return createKubeClient(createInProcessTransport(this.server, user));
  }

  /** From now on whoever comes with this token is the cluster's administrator. */
  accept(token: string): void {
    this.#bearers.push({ token, user: SYSTEM.admin });
  }

  /** Starts what acts: service proxy, controllers, scheduler. */
  async start(): Promise<void> {
    const { clock, clusterCa, addresses } = this.#options;
    const { server } = this;
    if (!this.#options.objects) await bootstrapObjects(this.clientOf(SYSTEM.apiserver), addresses);
    const inside = listenInside(server, this.network.node, apiServiceIp(addresses), clusterCa, () => clock.now());
    this.#life.add(() => inside.close());
    const availability = new Availability({
      store: server.store,
      client: this.clientOf(SYSTEM.apiserver),
      clock,
      aggregation: server.aggregation,
    });
    availability.start();
    this.#life.add(() => availability.close());
    const controllersClient = this.clientOf(SYSTEM.controllers);
    await startServiceProxy(controllersClient, this.network.services, this.#life.signal);
    const controllers = await startControllers({
      client: controllersClient,
      clock,
      clusterCa: clusterCa.certificate,
      store: server.store,
      ...(addresses.balancerCidr ? { balancerCidr: addresses.balancerCidr } : {}),
      targetOf: (kind) => this.#targetOf(kind),
    });
    this.#life.add(() => controllers.close());
    const scheduler = await startScheduler({
      client: this.clientOf(SYSTEM.scheduler),
      clock,
      record: (...event) => controllers.context.event(...event),
    });
    this.#life.add(() => scheduler.close());
  }

  async startNode(): Promise<void> {
    const { folders, addresses } = this.#options;
    const kubelet = await this.#startKubelet(addresses, folders);
    this.server.nodes = kubelet;
    this.#kubelet = kubelet;
    this.#nodes.set(addresses.node.name, kubelet);
  }

  /** A further node; `index` from 0. Its pods have addresses of their own; pods of the host's network share the first node's. */
  async startWorker(index: number): Promise<void> {
    const plan = workerPlan(this.#options.addresses, index);
    this.#nodes.set(plan.node.name, await this.#startKubelet(plan));
    await asWorker(this.admin, plan.node.name);
    this.server.nodes = nodesByPod(this.#nodes, this.admin);
  }

  async #startKubelet(plan: Pick<AddressPlan, 'node' | 'podCidr'>, folders?: NodeFolders): Promise<Kubelet> {
    const { clock, volumeSyncMs, addresses } = this.#options;
    const kubelet = await startKubelet({
      client: this.clientOf(SYSTEM.node(plan.node.name)),
      clock,
      network: this.network,
      images: sampleImages(),
      node: plan.node,
      podCidr: plan.podCidr,
      dnsIp: dnsIp(addresses),
      volumeSyncMs,
      ...(folders ? { folders } : {}),
      isMesh: isMeshImage,
      clientOf: (user) => this.clientOf(user),
    });
    this.#life.add(() => kubelet.close());
    return kubelet;
  }

  /** What the node's own folders hold. */
  folders(): NodeFolders {
    return this.#kubelet?.folders() ?? {};
  }

  close(): Promise<void> {
    return this.#life.close();
  }

  /** The preferred version of a stored kind. */
  #targetOf(kind: string): Target | undefined {
    const [group = '', resource = ''] = kind.split('/');
    const versions =
      group === '' ? ['v1'] : (this.server.kinds.groups().find(({ name }) => name === group)?.versions ?? []);
    const version = versions.find((candidate) => this.server.kinds.get(group, candidate, resource));
    return version === undefined ? undefined : { group, version, resource };
  }
}
