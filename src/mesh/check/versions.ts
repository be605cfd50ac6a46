import { podsWithOldAnchors } from './identity.ts';
import type { Category } from './runner.ts';
import { bullets, proxyOf, statusOf, type World } from './world.ts';

/** The cluster has no way out: a version can be compared only with one that is given (`--expected-version`). */
async function latest(world: World): Promise<string> {
  if (world.expectedVersion) return world.expectedVersion;
  const installation = world.preInstall ? undefined : await world.config().catch(() => undefined);
  const uuid = installation?.metadata.uid ?? 'unknown';
  throw new Error(
    `failed to resolve version check server: https://versioncheck.linkerd.io/version.json?version=${world.cliVersion}&uuid=${uuid}&source=cli`,
  );
}

function upToDate(world: World, version: string): void {
  if (!world.expectedVersion) throw new Error('unable to determine version channel');
  if (version !== world.expectedVersion) {
    const [channel, number] = split(version);
    const [, expected] = split(world.expectedVersion);
    throw new Error(`is running version ${number} but the latest ${channel} version is ${expected}`);
  }
}

const split = (version: string): [string, string] => {
  const dash = version.indexOf('-');
  return dash < 0 ? ['', version] : [version.slice(0, dash), version.slice(dash + 1)];
};

export const versions: Category<World> = {
  name: 'linkerd-version',
  checks: [
    {
      description: 'can determine the latest version',
      hint: 'l5d-version-latest',
      warning: true,
      run: async (world) => {
        await latest(world);
      },
    },
    {
      description: 'cli is up-to-date',
      hint: 'l5d-version-cli',
      warning: true,
      run: async (world) => upToDate(world, world.cliVersion),
    },
  ],
};

export const controlPlaneVersion: Category<World> = {
  name: 'control-plane-version',
  checks: [
    {
      description: 'can retrieve the control plane version',
      hint: 'l5d-version-control',
      fatal: true,
      retry: true,
      run: async (world) => {
        if (!(await world.values()).linkerdVersion) throw new Error('linkerdVersion not found in linkerd-config');
      },
    },
    {
      description: 'control plane is up-to-date',
      hint: 'l5d-version-control',
      warning: true,
      run: async (world) => upToDate(world, (await world.values()).linkerdVersion),
    },
    {
      description: 'control plane and cli versions match',
      hint: 'l5d-version-control',
      warning: true,
      run: async (world) => {
        const running = (await world.values()).linkerdVersion;
        if (running !== world.cliVersion) {
          throw new Error(`control plane running ${running} but cli running ${world.cliVersion}`);
        }
      },
    },
  ],
};

/** A pod's proxy version, as its annotation says. */
const proxyVersion = (pod: { metadata: { annotations?: Record<string, string> } }): string =>
  pod.metadata.annotations?.['linkerd.io/proxy-version'] ?? '';

const differing = (pods: Awaited<ReturnType<World['controlPlanePods']>>, version: string): string[] =>
  pods
    .filter((pod) => proxyOf(pod) && proxyVersion(pod) !== version)
    .map((pod) => `${pod.metadata.name} (${proxyVersion(pod)})`);

export const controlPlaneProxy: Category<World> = {
  name: 'linkerd-control-plane-proxy',
  checks: [
    {
      description: 'control plane proxies are healthy',
      hint: 'l5d-cp-proxy-healthy',
      fatal: true,
      retry: true,
      run: async (world) => {
        const pods = await world.controlPlanePods();
        const ill = pods.filter(
          (pod) => pod.status?.phase === 'Running' && proxyOf(pod) && !statusOf(pod, 'linkerd-proxy')?.ready,
        );
        if (ill.length > 0) {
          throw new Error(`Some pods do not have a ready proxy:${bullets(ill.map((pod) => pod.metadata.name!))}`);
        }
        const old = await podsWithOldAnchors(world, 'control-plane');
        if (old.length > 0) {
          throw new Error(`Some pods do not have the current trust bundle and must be restarted:${bullets(old)}`);
        }
      },
    },
    {
      description: 'control plane proxies are up-to-date',
      hint: 'l5d-cp-proxy-version',
      warning: true,
      run: async (world) => {
        if (!world.expectedVersion) throw new Error('unable to determine version channel');
        const old = differing(await world.controlPlanePods(), world.expectedVersion);
        if (old.length > 0) throw new Error(`some proxies are not running the current version:${bullets(old)}`);
      },
    },
    {
      description: 'control plane proxies and cli versions match',
      hint: 'l5d-cp-proxy-cli-version',
      warning: true,
      run: async (world) => {
        const old = differing(await world.controlPlanePods(), world.cliVersion);
        if (old.length > 0) throw new Error(`${old[0]} but cli running ${world.cliVersion}`);
      },
    },
  ],
};
