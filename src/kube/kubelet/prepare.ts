import { randomBytes } from 'node:crypto';
import { lazyClock } from '#base/clock.ts';
import type { ContainerContext } from '#kube/images/program.ts';
import type { Stdio } from '#shell/stdio.ts';
import type { Container } from './container.ts';
import { ConfigError, environmentOf } from './environment.ts';
import { ContainerTree } from './files.ts';
import type { ResolvedImage } from './image-store.ts';
import { hostsFile, resolverFile } from './pod-files.ts';
import { expand } from './references.ts';
import type { PodWorld } from './world.ts';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Everything a container's program gets but its streams. Throws ConfigError with the kubelet's words. */
export async function prepareContainer(
  container: Container,
  { image, reference }: ResolvedImage,
  world: PodWorld,
): Promise<Omit<ContainerContext, 'stdio'>> {
  const { pod, node, ip, net } = world;
  const { spec } = container;
  const namespace = pod.metadata.namespace!;
  const uid: number = spec.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser ?? image.user;
  const nonRoot = spec.securityContext?.runAsNonRoot ?? pod.spec.securityContext?.runAsNonRoot;
  const isAsked = (spec.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser) !== undefined;
  const breaks = isAsked
    ? "container's runAsUser breaks non-root policy"
    : 'container has runAsNonRoot and image will run as root';
  if (nonRoot && uid === 0)
    throw new ConfigError(
      `${breaks} (pod: "${pod.metadata.name}_${namespace}(${pod.metadata.uid})", container: ${container.name})`,
    );
  const given = await environmentOf(spec, {
    pod,
    podIp: ip,
    hostIp: node.node.ip,
    configMap: (name) => node.configMap(namespace, name),
    secret: (name) => node.secret(namespace, name),
    services: () => node.services(),
  });
  const env = {
    PATH,
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name!,
    HOME: uid === 0 ? '/root' : '/',
    ...image.env,
    ...given,
  };
  const words = (list: string[]) => list.map((word) => expand(word, given));
  const command: string[] | undefined = spec.command?.length ? words(spec.command) : undefined;
  const args: string[] | undefined = spec.args?.length ? words(spec.args) : undefined;
  const argv = [...(command ?? image.entrypoint), ...(args ?? (command ? [] : image.cmd))];
  if (argv.length === 0) throw new ConfigError('no command specified');
  return {
    argv,
    env,
    cwd: spec.workingDir || image.workingDir || '/',
    uid,
    ...groupsOf(spec.securityContext, pod.spec.securityContext),
    pod: {
      name: pod.metadata.name!,
      namespace,
      uid: pod.metadata.uid!,
      serviceAccount: pod.spec.serviceAccountName ?? 'default',
      node: node.node.name,
      ip,
    },
    container: container.name,
    clock: node.isMesh(image) ? node.clock : lazyClock(node.clock),
    net,
    files: filesOf(container, image.files, world, given),
    image: reference,
    services: { kube: (user) => node.clientOf(user) },
  };
}

/** The groups of a program whose user is set: the user's own one is 0 where nothing else is said. */
export function groupsOf(
  own: { runAsUser?: number; runAsGroup?: number } | undefined,
  pod: { runAsUser?: number; runAsGroup?: number; fsGroup?: number; supplementalGroups?: number[] } | undefined,
): { gid?: number; groups?: number[] } {
  const group = own?.runAsGroup ?? pod?.runAsGroup;
  const user = own?.runAsUser ?? pod?.runAsUser;
  const more = [...(pod?.fsGroup === undefined ? [] : [pod.fsGroup]), ...(pod?.supplementalGroups ?? [])];
  if (group === undefined && user === undefined && more.length === 0) return {};
  const gid = group ?? 0;
  return { gid, groups: [...new Set([gid, ...more])].sort((a, b) => a - b) };
}

function filesOf(
  { spec }: Container,
  own: Record<string, string> | undefined,
  { pod, volumes, ip, node }: PodWorld,
  env: Record<string, string>,
): ContainerTree {
  const host: string = pod.spec.hostname ?? pod.metadata.name;
  const files = {
    '/etc/hostname': `${host}\n`,
    '/etc/hosts': hostsFile(pod, host, ip),
    '/etc/resolv.conf': resolverFile(pod, node.dnsIp),
    ...own,
  };
  const mounts = (
    (spec.volumeMounts ?? []) as {
      name: string;
      mountPath: string;
      subPath?: string;
      subPathExpr?: string;
      readOnly?: boolean;
    }[]
  ).map((mount) => {
    const volume = volumes.get(mount.name);
    if (!volume) throw new ConfigError(`volumeMount ${mount.name} refers to a volume that the pod does not have`);
    const subPath = mount.subPathExpr ? expand(mount.subPathExpr, env) : mount.subPath;
    return { path: mount.mountPath, volume, readOnly: mount.readOnly ?? false, ...(subPath ? { subPath } : {}) };
  });
  return new ContainerTree(files, mounts, spec.securityContext?.readOnlyRootFilesystem === true);
}

export const newContainerId = (): string => `academy://${randomBytes(32).toString('hex')}`;

/** Streams of a process that nobody listens to, collected up to a limit; its input is empty. */
export function quietStreams(limit = 10_240): { stdio: Stdio; text(): string } {
  let text = '';
  const out = {
    async write(data: Uint8Array | string) {
      if (text.length < limit) text += typeof data === 'string' ? data : Buffer.from(data).toString();
    },
    end() {},
  };
  const stdin = {
    read: async () => undefined,
    cancel() {},
    async *[Symbol.asyncIterator]() {},
  };
  return { stdio: { stdin, stdout: out, stderr: out }, text: () => text };
}
