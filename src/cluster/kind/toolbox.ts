import type { Lifecycle } from '#base/lifecycle.ts';
import type { Box } from '../desk.ts';
import { type Engine, type ExecOptions, isStatus } from './engine.ts';
import { LABEL, labelsFor, type Ownership, TOOLS_LABEL } from './labels.ts';
import { toolboxName } from './names.ts';
import type { SessionNetwork } from './network.ts';

/** What a learner's shells may use together. */
const MEMORY_BYTES = 512 * 1024 ** 2;
const CPUS = 1;
const PIDS = 512;
/** As large as the files of the academy's own terminals may be. */
const HOME_MIB = 64;
const LEARNER = '1000:1000';

/** The programs that were put into a toolbox image, or undefined when it is not here. */
export async function toolsIn(engine: Engine, image: string): Promise<string[] | undefined> {
  if (!(await engine.hasImage(image))) return undefined;
  const { Config } = await engine.call(`look at the image ${image}`, () => engine.docker.getImage(image).inspect());
  return (Config.Labels?.[TOOLS_LABEL] ?? '').split(' ').filter(Boolean);
}

export interface ToolboxOptions {
  image: string;
  ownership: Ownership;
  network: SessionNetwork;
  life: Lifecycle;
  signal: AbortSignal;
}

/**
 * Starts the machine of a session's terminals: no capabilities, no way to get any, nothing writable but its home and its
 * temporary folders, which lie in memory and are limited.
 */
export async function startToolbox(engine: Engine, o: ToolboxOptions): Promise<string> {
  const { image, ownership, network, life, signal } = o;
  const name = toolboxName(ownership.cluster);
  // By its name, because a cancelled request may have made it all the same.
  life.add(() => engine.remove(name));
  const id = await engine.createContainer(
    {
      name,
      Hostname: 'academy',
      Image: image,
      User: LEARNER,
      Labels: labelsFor(ownership, 'toolbox'),
      HostConfig: {
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        ReadonlyRootfs: true,
        Tmpfs: {
          '/home/learner': `exec,size=${HOME_MIB}m,mode=0700,uid=1000,gid=1000`,
          '/run/academy': 'size=1m,mode=0700,uid=1000,gid=1000',
          '/tmp': 'exec,size=64m,mode=1777',
        },
        NetworkMode: network.name,
        RestartPolicy: { Name: 'no' },
        Memory: MEMORY_BYTES,
        MemorySwap: MEMORY_BYTES,
        NanoCpus: CPUS * 1e9,
        PidsLimit: PIDS,
        LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
      },
      NetworkingConfig: {
        EndpointsConfig: { [network.name]: { IPAMConfig: { IPv4Address: network.toolboxAddress } } },
      },
    },
    signal,
  );
  await engine.start(id, signal);
  return id;
}

/** The containers that were made together with a node, by the name that they have on their labels: its toolbox and its workers. */
export async function findCompanions(
  engine: Engine,
  nodeLabels: Record<string, string>,
): Promise<{ toolbox: string | undefined; workers: string[] }> {
  const filters = {
    label: [`${LABEL.owner}=${nodeLabels[LABEL.owner]}`, `${LABEL.cluster}=${nodeLabels[LABEL.cluster]}`],
  };
  const found = await engine.call('list containers', (abortSignal) =>
    engine.docker.listContainers({ all: true, filters, abortSignal }),
  );
  const ids = (role: string) => found.filter(({ Labels }) => Labels[LABEL.role] === role).map(({ Id }) => Id);
  return { toolbox: ids('toolbox')[0], workers: ids('worker') };
}

/** A toolbox as the learner's desk sees it. `adminConf`: the node's own kubeconfig; `address`: where the node is reached. */
export class ToolboxBox implements Box {
  readonly kubeconfig: string;
  readonly containerId: string;
  readonly #engine: Engine;

  constructor(engine: Engine, containerId: string, adminConf: string, address: string) {
    this.#engine = engine;
    this.containerId = containerId;
    this.kubeconfig = adminConf.replace(/^(\s*server:) .*$/m, `$1 https://${address}:6443`);
  }

  run(command: string[], options: Pick<ExecOptions, 'stdin' | 'timeoutMs' | 'signal'> = {}) {
    return this.#engine.exec(this.containerId, command, options);
  }

  stream(command: string[], signal?: AbortSignal) {
    return this.#engine.stream(this.containerId, command, signal);
  }

  async revive(signal?: AbortSignal): Promise<void> {
    await wake(this.#engine, this.containerId, signal);
  }
}

/** Lets a container run, whatever it does now. */
export async function wake(engine: Engine, id: string, signal?: AbortSignal): Promise<void> {
  try {
    await engine.start(id, signal);
  } catch (error) {
    // A paused one is refused.
    if (!isStatus(error, 409, 500)) throw error;
    await engine.unpause(id);
  }
}
