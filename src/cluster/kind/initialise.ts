import { parseAllDocuments } from 'yaml';
import type { Lifecycle } from '#base/lifecycle.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createHttpTransport, type HttpAccess } from '#kube/client/http.ts';
import { reachApi } from './api-access.ts';
import type { Engine } from './engine.ts';
import { CNI_PATH, cniConfig, controlPlanePatches, kubeadmConfig, quickCoreDns } from './kubeadm.ts';
import type { Ownership } from './labels.ts';
import { nodeName } from './names.ts';
import type { Profile } from './profile.ts';
import { together } from './together.ts';

const CONFIG = '/kind/kubeadm.conf';
const INITIALISED_WITHIN_MS = 240_000;
/** kubeadm's first line after the control plane has answered and its administrator may write to it. */
const ANSWERS = /^\[(upload-config|addons)\]/m;
const FACTS = 'cat /kind/version && stat -fc %T /sys/fs/cgroup && cat /kind/manifests/default-storage.yaml';
/** Takes paths and texts in turn. */
const WRITE = 'while [ $# -gt 0 ]; do mkdir -p "${1%/*}" && printf %s "$2" >"$1" || exit 1; shift 2; done';

export interface Initialised {
  /** The node's own `/etc/kubernetes/admin.conf`. */
  kubeconfig: string;
  access: HttpAccess;
  admin: KubeClient;
}

export interface InitialiseOptions extends Ownership {
  ip: string;
  profile: Profile;
  podSubnet: string;
  joinToken?: string;
}

/** Writes what kubeadm and the network need; resolves with the manifest of the node's storage. */
export async function configure(
  engine: Engine,
  id: string,
  o: InitialiseOptions,
  signal: AbortSignal,
): Promise<string> {
  const facts = await engine.run(id, ['sh', '-c', FACTS], { signal });
  const [version = '', filesystem = '', ...storage] = facts.split('\n');
  const config = kubeadmConfig({
    ...o,
    node: nodeName(o.cluster),
    version,
    cgroupV1: filesystem !== 'cgroup2fs',
    restricted: o.profile === 'restricted',
  });
  const files = [
    [CONFIG, config],
    ...controlPlanePatches(),
    // With several nodes the cluster deals the addresses out.
    ...(o.joinToken ? [] : [[CNI_PATH, cniConfig(onlySubnet(o.podSubnet), true)]]),
  ];
  await engine.run(id, ['sh', '-c', WRITE, 'sh', ...files.flat()], { signal });
  return storage.join('\n');
}

/**
 * Runs kubeadm, and gives the cluster what kubeadm is kept from while it is still at work. `storage`: a manifest.
 * `connections` gets what reaches the API server.
 */
export async function initialise(
  engine: Engine,
  node: { id: string; address: string },
  storage: string,
  connections: Lifecycle,
  signal: AbortSignal,
): Promise<Initialised> {
  let said = '';
  let isUp = () => {};
  const up = new Promise<void>((resolve) => {
    isUp = resolve;
  });
  const init = async (either: AbortSignal) => {
    try {
      await engine.run(node.id, ['kubeadm', 'init', `--config=${CONFIG}`, '--skip-token-print'], {
        signal: either,
        timeoutMs: INITIALISED_WITHIN_MS,
        onOutput(text) {
          said += text;
          if (ANSWERS.test(said)) isUp();
        },
      });
    } finally {
      isUp();
    }
  };
  const [, made] = await together<[void, Initialised]>(signal, (either) => [
    init(either),
    reachAndFill(engine, node, { storage, up, connections, signal: either }),
  ]);
  return made;
}

async function reachAndFill(
  engine: Engine,
  { id, address }: { id: string; address: string },
  o: { storage: string; up: Promise<void>; connections: Lifecycle; signal: AbortSignal },
): Promise<Initialised> {
  const { connections, signal } = o;
  const print = ['kubeadm', 'init', 'phase', 'addon', 'coredns', `--config=${CONFIG}`, '--print-manifest'];
  const dns = quickCoreDns(await engine.run(id, print, { signal }));
  await o.up;
  signal.throwIfAborted();
  const kubeconfig = await engine.run(id, ['cat', '/etc/kubernetes/admin.conf'], { signal });
  const api = await reachApi(engine, id, address, kubeconfig);
  connections.add(() => api.close());
  const transport = createHttpTransport(api.access);
  connections.add(() => transport.close());
  const admin = createKubeClient(transport);
  const objects = [dns, o.storage]
    .flatMap((manifest) => parseAllDocuments(manifest))
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
  await Promise.all(objects.map((object) => admin.apply(object, { fieldManager: 'kubeadm' })));
  return { kubeconfig, access: api.access, admin };
}

/** The addresses of an only node's pods: the first part that the cluster deals out. */
const onlySubnet = (podSubnet: string): string => podSubnet.replace(/\/\d+$/, '/24');
