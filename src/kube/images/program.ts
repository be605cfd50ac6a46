import type { Clock } from '#base/clock.ts';
import type { UserInfo } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { NetNs } from '#kube/network/network.ts';
import type { Stdio } from '#shell/stdio.ts';

/**
 * The embedded node runs no container images: an image name stands for a program written in TypeScript. The kubelet
 * resolves the reference, gives the program its world, and treats what happens to it as it would a real container.
 */
export interface Image {
  /** Repository without registry default and tag, e.g. `curlimages/curl`, `cr.l5d.io/linkerd/proxy`. */
  readonly repository: string;
  /** One line for `academy list images`. */
  readonly summary: string;
  readonly entrypoint: string[];
  readonly cmd: string[];
  /** uid of the image's user, 0 when root. */
  readonly user: number;
  readonly env?: Record<string, string>;
  readonly workingDir?: string;
  /** True when the container holds a shell, so that exec of `sh` and of common tools works. */
  readonly hasShell: boolean;
  /** Files of the image, path to content. */
  readonly files?: Record<string, string>;
  /** Starts argv (entrypoint and command joined as Kubernetes joins them). Undefined: no such program in the image. */
  start(context: ContainerContext): Process | undefined;
}

export interface ContainerContext {
  argv: string[];
  env: Record<string, string>;
  cwd: string;
  uid: number;
  /** Absent: as the image has them for its user. */
  gid?: number;
  groups?: number[];
  /** Names for logs and metrics. */
  pod: { name: string; namespace: string; uid: string; serviceAccount: string; node: string; ip: string };
  container: string;
  /** True for the container's own process, its number 1, which is deaf to signals it has no handler for; not for exec. */
  isMain?: boolean;
  clock: Clock;
  /** The pod's network namespace, shared by its containers. */
  net: NetNs;
  /** The container's root: image files, volume mounts (which update), and what the program writes. */
  files: ContainerFiles;
  stdio: Stdio;
  /** The resolved image reference with its tag. */
  image: string;
  /** What a controller's client library would make of its mounted token; absent where no API is near (unit tests). */
  services?: ContainerServices;
}

export interface ContainerServices {
  /** A client of the cluster's API that acts as this user; authorization applies. */
  kube(user: UserInfo): KubeClient;
}

/** The file tree of a container. Paths are absolute. Reading a mounted ConfigMap or Secret gives its present content. */
export interface ContainerFiles {
  readFile(path: string): Uint8Array | undefined;
  writeFile(path: string, data: Uint8Array | string): void;
  list(path: string): string[] | undefined;
  remove(path: string): void;
  /** Whether a path is on a root that cannot be written. */
  isFixed?(path: string): boolean;
  /**
   * Brings up to date what the node computes for `path` from its clock, which may have been moved past the time when it
   * would have; undefined when it is up to date, or there is nothing to compute.
   */
  renew?(path: string): Promise<void> | undefined;
  /** Called after the content below `path` changed (a volume refresh). Returns a function that stops it. */
  watch(path: string, listener: () => void): () => void;
}

export interface Process {
  /** Resolves with the exit code; 128+n after signal n that ended it. Never rejects. */
  readonly exited: Promise<number>;
  /** SIGTERM, SIGKILL, SIGINT, SIGHUP. */
  kill(signal: NodeJS.Signals): void;
}
