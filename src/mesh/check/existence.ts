import type { KubeObject } from '#kube/api/types.ts';
import { networkCovers, networkHolds, parseAddress, parseNetwork } from '#mesh/policy/core/addresses.ts';
import { crdsExist } from './kubernetes.ts';
import type { Category } from './runner.ts';
import { CORE, type World } from './world.ts';

const COMPONENTS = ['linkerd-destination', 'linkerd-identity', 'linkerd-proxy-injector'];

/** `linkerd-existence`: the control plane is there and runs. */
export const existence: Category<World> = {
  name: 'linkerd-existence',
  checks: [
    {
      description: "'linkerd-config' config map exists",
      hint: 'l5d-existence-linkerd-config',
      fatal: true,
      run: async (world) => {
        await world.config();
        const values: unknown = await world.values();
        const kind = Array.isArray(values) ? 'array' : values === true || values === false ? 'bool' : typeof values;
        if (values !== null && kind !== 'object')
          throw new Error(
            `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`,
          );
      },
    },
    {
      description: 'heartbeat ServiceAccount exist',
      hint: 'l5d-existence-sa',
      fatal: true,
      run: async (world) => {
        if ((await world.values()).disableHeartBeat) return;
        await exists(world, CORE('serviceaccounts', world.controlPlane), 'ServiceAccounts', ['linkerd-heartbeat']);
      },
    },
    {
      description: 'control plane replica sets are ready',
      hint: 'l5d-existence-replicasets',
      fatal: true,
      retry: true,
      run: async (world) => {
        const sets = await world.list({
          group: 'apps',
          version: 'v1',
          resource: 'replicasets',
          namespace: world.controlPlane,
        });
        const failing = sets.flatMap((set) =>
          ((set.status?.conditions ?? []) as { type: string; status: string; reason: string; message: string }[])
            .filter(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
            .map(({ reason, message }) => `${reason}: ${message}`),
        );
        if (failing.length > 0) throw new Error(failing.join('\n   '));
      },
    },
    {
      description: 'no unschedulable pods',
      hint: 'l5d-existence-unschedulable-pods',
      warning: true,
      retry: true,
      run: async (world) => {
        for (const pod of await world.list(CORE('pods', world.controlPlane))) {
          const condition = (pod.status?.conditions ?? []).find(
            (each: { reason?: string }) => each.reason === 'Unschedulable',
          );
          if (condition) throw new Error(`${pod.metadata.name}: ${condition.message}`);
        }
      },
    },
    {
      description: 'control plane pods are ready',
      hint: 'l5d-api-control-ready',
      fatal: true,
      retry: true,
      run: async (world) => {
        const pods = await world.list(CORE('pods', world.controlPlane), 'linkerd.io/control-plane-component');
        for (const component of COMPONENTS) {
          const running = pods.filter(
            (pod) => pod.metadata.name?.startsWith(`${component}-`) && pod.status?.phase === 'Running',
          );
          if (running.length === 0) throw new Error(`No running pods for "${component}"`);
          // One pod that is ready is enough: the others may be on their way.
          const unready = running.map((pod) => ({ pod, container: unreadyContainer(pod) }));
          if (unready.some(({ container }) => container === undefined)) continue;
          const { pod, container } = unready.at(-1)!;
          throw new Error(`pod/${pod.metadata.name} container ${container} is not ready`);
        }
      },
    },
    {
      description: 'cluster networks contains all node podCIDRs',
      hint: 'l5d-cluster-networks-cidr',
      run: async (world) => {
        const networks = await clusterNetworks(world);
        const outside = (await world.list(CORE('nodes'))).filter((node) => {
          const cidr = parseNetwork(node.spec?.podCIDR ?? '');
          return cidr?.bits === 32 && !networks.some((network) => networkCovers(network, cidr));
        });
        if (outside.length === 0) return;
        const cidrs = outside.map((node) => node.spec.podCIDR as string).sort();
        throw new Error(
          `node has podCIDR(s) [${cidrs.join(' ')}] which are not contained in the Linkerd clusterNetworks.\n\tTry installing linkerd via --set clusterNetworks="${cidrs.join('\\,')}"`,
        );
      },
    },
    {
      description: 'cluster networks contains all pods',
      hint: 'l5d-cluster-networks-pods',
      run: async (world) => {
        const pods = (await world.list(CORE('pods'))).filter((pod) => !pod.spec?.hostNetwork);
        await allInside(
          world,
          'the Linkerd clusterNetworks ["%s"] do not include pod %s',
          pods,
          (pod) => pod.status?.podIP,
        );
      },
    },
    {
      description: 'cluster networks contains all services',
      hint: 'l5d-cluster-networks-pods',
      run: async (world) => {
        const services = (await world.list(CORE('services'))).filter((each) => each.spec?.clusterIP !== 'None');
        await allInside(
          world,
          'the Linkerd clusterNetworks ["%s"] do not include svc %s',
          services,
          (each) => each.spec?.clusterIP,
        );
      },
    },
  ],
};

/** The last container that is not ready, native sidecars put aside. */
const unreadyContainer = (pod: KubeObject): string | undefined =>
  ((pod.status?.containerStatuses ?? []) as { name: string; ready: boolean }[]).filter(({ ready }) => !ready).at(-1)
    ?.name;

async function clusterNetworks(world: World) {
  const text = (await world.values()).clusterNetworks;
  return text.split(',').flatMap((cidr) => parseNetwork(cidr.trim()) ?? []);
}

async function allInside(
  world: World,
  message: string,
  objects: KubeObject[],
  ipOf: (object: KubeObject) => string | undefined,
): Promise<void> {
  const networks = await clusterNetworks(world);
  for (const object of objects) {
    const ip = ipOf(object);
    const address = ip && parseAddress(ip);
    if (!address || networks.some((network) => networkHolds(network, address))) continue;
    const { namespace, name } = object.metadata;
    const given = (await world.values()).clusterNetworks;
    throw new Error(message.replace('%s', given).replace('%s', `${namespace}/${name} (${ip})`));
  }
}

const exists = async (
  world: World,
  target: Parameters<World['find']>[0],
  kind: string,
  names: string[],
): Promise<void> => {
  // What lost its label counts as missing.
  const labelled = await world.list(target, 'linkerd.io/control-plane-ns,!linkerd.io/cni-resource');
  const present = new Set(labelled.map(({ metadata }) => metadata.name));
  const missing = names.filter((name) => !present.has(name)).sort();
  if (missing.length > 0) throw new Error(`missing ${kind}: ${missing.join(', ')}`);
};

const RBAC = { group: 'rbac.authorization.k8s.io', version: 'v1' };
const ADMISSION = { group: 'admissionregistration.k8s.io', version: 'v1' };
const roleNames = (world: World) =>
  ['identity', 'proxy-injector'].map((each) => `linkerd-${world.controlPlane}-${each}`);

/** `linkerd-config`: the resources that the control plane needs around it. */
export const configuration: Category<World> = {
  name: 'linkerd-config',
  checks: [
    {
      description: 'control plane Namespace exists',
      hint: 'l5d-existence-ns',
      fatal: true,
      run: async (world) => {
        if (!(await world.find(CORE('namespaces'), world.controlPlane))) {
          throw new Error(`The "${world.controlPlane}" namespace does not exist`);
        }
      },
    },
    {
      description: 'control plane ClusterRoles exist',
      hint: 'l5d-existence-cr',
      fatal: true,
      run: (world) => exists(world, { ...RBAC, resource: 'clusterroles' }, 'ClusterRoles', roleNames(world)),
    },
    {
      description: 'control plane ClusterRoleBindings exist',
      hint: 'l5d-existence-crb',
      fatal: true,
      run: (world) =>
        exists(world, { ...RBAC, resource: 'clusterrolebindings' }, 'ClusterRoleBindings', roleNames(world)),
    },
    {
      description: 'control plane ServiceAccounts exist',
      hint: 'l5d-existence-sa',
      fatal: true,
      run: (world) => exists(world, CORE('serviceaccounts', world.controlPlane), 'ServiceAccounts', COMPONENTS),
    },
    {
      description: 'control plane CustomResourceDefinitions exist',
      hint: 'l5d-existence-crd',
      fatal: true,
      run: (world) => crdsExist(world),
    },
    {
      description: 'control plane MutatingWebhookConfigurations exist',
      hint: 'l5d-existence-mwc',
      fatal: true,
      run: (world) =>
        exists(world, { ...ADMISSION, resource: 'mutatingwebhookconfigurations' }, 'MutatingWebhookConfigurations', [
          'linkerd-proxy-injector-webhook-config',
        ]),
    },
    {
      description: 'control plane ValidatingWebhookConfigurations exist',
      hint: 'l5d-existence-vwc',
      fatal: true,
      run: (world) =>
        exists(
          world,
          { ...ADMISSION, resource: 'validatingwebhookconfigurations' },
          'ValidatingWebhookConfigurations',
          ['linkerd-sp-validator-webhook-config'],
        ),
    },
    {
      description: 'proxy-init container runs as root user if docker container runtime is used',
      hint: 'l5d-proxy-init-run-as-root',
      run: async (world) => {
        if ((await world.values()).proxyInit?.runAsRoot) return;
        const docker = (await world.list(CORE('nodes'))).some((node) =>
          String(node.status?.nodeInfo?.containerRuntimeVersion ?? '').startsWith('docker://'),
        );
        if (docker) {
          throw new Error(
            'there are nodes using the docker container runtime and proxy-init container must run as root user.\ntry installing linkerd via --set proxyInit.runAsRoot=true',
          );
        }
      },
    },
  ],
};
