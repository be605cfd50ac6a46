import type { KubeObject } from '#kube/api/types.ts';
import { podStatus, proxyVersion } from './pod-status.ts';
import type { Category } from './runner.ts';
import { bullets, statusOf, type World } from './world.ts';

/** The cluster has no way out: a version can be compared only with one that is given (`--expected-version`). */
export async function latest(world: World): Promise<string> {
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

/** Whether running proxies, by the tag of their image, are of the version that is expected. */
export function proxiesUpToDate(world: World, pods: KubeObject[]): void {
  if (!world.expectedVersion) throw new Error('unable to determine version channel');
  const old = pods
    .filter((pod) => podStatus(pod) === 'Running')
    .map((pod) => ({ pod, version: proxyVersion(pod) }))
    .filter(({ version }) => version !== '' && version !== world.expectedVersion);
  if (old.length > 0)
    throw new Error(
      `some proxies are not running the current version:${bullets(old.map(({ pod, version }) => `${pod.metadata.name} (${version})`))}`,
    );
}

export function proxiesMatchCli(world: World, pods: KubeObject[]): void {
  for (const pod of pods) {
    const version = proxyVersion(pod);
    if (podStatus(pod) === 'Running' && version !== '' && version !== world.cliVersion)
      throw new Error(`${pod.metadata.name} running ${version} but cli running ${world.cliVersion}`);
  }
}

/** Throws unless all pods that should run have a ready proxy. */
export function proxiesRunning(pods: KubeObject[], namespace: string | undefined): void {
  if (pods.length === 0)
    throw new Error(`no "linkerd-proxy" containers found${namespace ? ` in the "${namespace}" namespace` : ''}`);
  for (const pod of pods) {
    const status = podStatus(pod);
    if (['Completed', 'NodeShutdown', 'Shutdown', 'Terminated'].includes(status)) continue;
    if (status !== 'Running' && status !== 'Evicted')
      throw new Error(`pod "${pod.metadata.name}" status is ${pod.status?.phase}`);
    if (!statusOf(pod, 'linkerd-proxy')?.ready)
      throw new Error(`container "linkerd-proxy" in pod "${pod.metadata.name}" is not ready`);
  }
}

export const controlPlaneProxy: Category<World> = {
  name: 'linkerd-control-plane-proxy',
  checks: [
    {
      description: 'control plane proxies are healthy',
      hint: 'l5d-cp-proxy-healthy',
      fatal: true,
      retry: true,
      run: async (world) => {
        proxiesRunning(await world.controlPlanePods(), world.controlPlane);
        // Its own proxies read the bundle from the ConfigMap: theirs is never an old one, if there is one.
        await world.client.get(
          { group: '', version: 'v1', resource: 'configmaps', namespace: world.controlPlane },
          'linkerd-identity-trust-roots',
        );
      },
    },
    {
      description: 'control plane proxies are up-to-date',
      hint: 'l5d-cp-proxy-version',
      warning: true,
      run: async (world) => {
        proxiesUpToDate(world, await world.controlPlanePods());
      },
    },
    {
      description: 'control plane proxies and cli versions match',
      hint: 'l5d-cp-proxy-cli-version',
      warning: true,
      run: async (world) => {
        proxiesMatchCli(world, await world.controlPlanePods());
      },
    },
  ],
};
