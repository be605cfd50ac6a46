import { readFile, statfs } from 'node:fs/promises';
import { freemem } from 'node:os';
import { messageOf } from '#base/errors.ts';
import type { Engine } from './engine.ts';
import { TOOLS } from './labels.ts';
import { localName } from './references.ts';
import { toolsIn } from './toolbox.ts';
import { profileOf } from './trial.ts';

export interface PreflightCheck {
  what: string;
  state: 'ok' | 'warning' | 'failed';
  said: string;
  /** The line that mends it. */
  mend?: string;
}

const OLDEST_API = 1.41;
const MEMORY_BYTES = 2 * 1024 ** 3;
const DISK_BYTES = 4 * 1024 ** 3;
const CLOCK_SKEW_MS = 60_000;
/** inotify instances of root that a node takes, as counted on a running one. */
const INSTANCES_A_NODE = 25;

/**
 * Everything a node needs from this host, each with the line that mends it. Never throws. `toolbox`: the image of the
 * terminals, and the programs that are put into it when a session needs them.
 */
export async function preflight(
  engine: Engine,
  nodeImage: string,
  toolbox?: { image: string; given: readonly string[] },
): Promise<PreflightCheck[]> {
  let info: { MemTotal: number; CgroupVersion?: string; SystemTime?: string; DockerRootDir: string; OSType?: string };
  try {
    const version = await engine.version();
    info = await engine.call('tell about itself', () => engine.docker.info(), { timeoutMs: 5_000 });
    const checks: PreflightCheck[] = [
      Number(version.ApiVersion) >= OLDEST_API
        ? { what: 'engine', state: 'ok', said: `Docker ${version.Version}, API ${version.ApiVersion}` }
        : {
            what: 'engine',
            state: 'failed',
            said: `API ${version.ApiVersion} is too old`,
            mend: `Update the Docker Engine to one with API ${OLDEST_API} or newer.`,
          },
      info.OSType === undefined || info.OSType === 'linux'
        ? { what: 'system', state: 'ok', said: `linux/${version.Arch}` }
        : {
            what: 'system',
            state: 'failed',
            said: `the Engine runs ${info.OSType} containers`,
            mend: 'Switch Docker to Linux containers.',
          },
    ];
    const image = await localName(engine, nodeImage);
    checks.push(
      image
        ? { what: 'node image', state: 'ok', said: image }
        : {
            what: 'node image',
            state: 'failed',
            said: `${nodeImage} is not here`,
            mend: `docker pull ${nodeImage} (or name one that is here: ACADEMY_NODE_IMAGE)`,
          },
    );
    if (toolbox) checks.push(await toolboxCheck(engine, toolbox.image, toolbox.given));
    if (image) checks.push(await privileges(() => profileOf(engine, image)));
    checks.push(
      {
        what: 'cgroup',
        state: 'ok',
        said: `version ${info.CgroupVersion ?? '1'}${info.CgroupVersion === '2' ? '' : ' (the kubelet is told to accept it)'}`,
      },
      ...(await inotify()),
      await filterRules(),
      memory(info.MemTotal),
      await disk(info.DockerRootDir),
      clock(info.SystemTime),
    );
    return checks;
  } catch (error) {
    return [
      {
        what: 'engine',
        state: 'failed',
        said: messageOf(error),
        mend: 'Install and start the Docker Engine, or set ACADEMY_DRIVER=embedded.',
      },
    ];
  }
}

async function toolboxCheck(engine: Engine, image: string, given: readonly string[]): Promise<PreflightCheck> {
  const there = await toolsIn(engine, image);
  if (!there)
    return {
      what: 'toolbox image',
      state: 'warning',
      said: `${image} is not here, so terminals are the academy’s own`,
      mend: 'npx academy images build',
    };
  const missing = TOOLS.filter((tool) => !there.includes(tool) && !given.includes(tool));
  return missing.length === 0
    ? { what: 'toolbox image', state: 'ok', said: `${image} with ${TOOLS.join(', ')}` }
    : {
        what: 'toolbox image',
        state: 'warning',
        said: `${image} without ${missing.join(', ')}`,
        mend: 'npx academy images build --tools FOLDER',
      };
}

async function privileges(find: () => Promise<string>): Promise<PreflightCheck> {
  const profile = await find();
  return profile === 'privileged'
    ? { what: 'privileges', state: 'ok', said: 'privileged containers start' }
    : {
        what: 'privileges',
        state: 'warning',
        said: 'privileged containers are refused; nodes run with the restricted profile',
      };
}

async function inotify(): Promise<PreflightCheck[]> {
  const read = async (name: string) =>
    Number(await readFile(`/proc/sys/fs/inotify/${name}`, 'utf8').catch(() => Number.NaN));
  const [instances, watches] = await Promise.all([read('max_user_instances'), read('max_user_watches')]);
  // Only a limit of this machine can be read here; an Engine elsewhere keeps its own.
  if (Number.isNaN(instances)) return [];
  const low = instances < 512 || watches < 65_536;
  return [
    {
      what: 'inotify',
      state: low ? 'warning' : 'ok',
      said: `${instances} instances, ${watches} watches: room for about ${Math.floor(instances / INSTANCES_A_NODE)} nodes at once`,
      ...(low ? { mend: 'sysctl -w fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288' } : {}),
    },
  ];
}

async function filterRules(): Promise<PreflightCheck> {
  const modules = await readFile('/proc/modules', 'utf8').catch(() => '');
  const config = await readFile('/proc/net/ip_tables_names', 'utf8').catch(() => undefined);
  const found = /^nf_tables /m.test(modules) ? 'nf_tables' : config !== undefined ? 'ip_tables' : undefined;
  return found
    ? { what: 'packet filter', state: 'ok', said: found }
    : {
        what: 'packet filter',
        state: 'warning',
        said: 'neither nf_tables nor ip_tables is seen',
        mend: 'modprobe nf_tables',
      };
}

function memory(total: number): PreflightCheck {
  const free = Math.min(total, freemem());
  const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  return free >= MEMORY_BYTES
    ? {
        what: 'memory',
        state: 'ok',
        said: `${gib(free)} free: room for about ${Math.floor(free / MEMORY_BYTES)} nodes with the mesh at once`,
      }
    : {
        what: 'memory',
        state: 'failed',
        said: `${gib(free)} free; a node with the mesh needs ${gib(MEMORY_BYTES)}`,
        mend: 'End other sessions or give the Engine more memory.',
      };
}

async function disk(root: string): Promise<PreflightCheck> {
  const found = await statfs(root).catch(() => undefined);
  if (!found) return { what: 'disk', state: 'ok', said: 'of the Engine, not seen from here' };
  const free = found.bavail * found.bsize;
  const said = `${(free / 1024 ** 3).toFixed(0)} GiB free`;
  return free >= DISK_BYTES
    ? { what: 'disk', state: 'ok', said }
    : { what: 'disk', state: 'failed', said, mend: 'docker system prune' };
}

function clock(systemTime: string | undefined): PreflightCheck {
  const skew = systemTime ? Math.abs(Date.parse(systemTime) - Date.now()) : 0;
  return skew < CLOCK_SKEW_MS
    ? { what: 'clock', state: 'ok', said: 'agrees with this host' }
    : {
        what: 'clock',
        state: 'failed',
        said: `${Math.round(skew / 1000)} s apart from this host`,
        mend: 'Set the clock of the Engine’s machine, for instance with timedatectl set-ntp true.',
      };
}
