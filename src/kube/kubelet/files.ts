import type { ContainerFiles } from '#kube/images/program.ts';

/** What a volume holds now: path below its mount, and content. */
export interface MountedVolume {
  entries(): ReadonlyMap<string, Uint8Array>;
  /** Present when programs may write: an emptyDir. */
  write?(path: string, data: Uint8Array): void;
  remove?(path: string): void;
  onChange(listener: () => void): () => void;
  /** Computes again what is due to be; undefined when nothing is. */
  renew?(): Promise<void> | undefined;
}

interface Mount {
  path: string;
  volume: MountedVolume;
  /** Only this entry of the volume, mounted as a file or folder; such mounts never change. */
  subPath?: string;
  readOnly: boolean;
}

/** Most paths are what they should be. */
const UNCLEAN = /^[^/]|\/\.?(\/|$)/;
const clean = (path: string): string =>
  path !== '' && !UNCLEAN.test(path)
    ? path
    : `/${path
        .split('/')
        .filter((part) => part && part !== '.')
        .join('/')}`;

/** A container's file tree: its image's files, what it writes, and its volumes with their present content. */
export class ContainerTree implements ContainerFiles {
  readonly #own = new Map<string, Uint8Array>();
  readonly #mounts: Mount[];

  /** Whether only volumes can be written. */
  readonly isReadOnly: boolean;

  constructor(image: Record<string, string>, mounts: Mount[], isReadOnly = false) {
    this.isReadOnly = isReadOnly;
    for (const [path, text] of Object.entries(image)) this.#own.set(clean(path), Buffer.from(text));
    this.#mounts = mounts
      .map((mount) => ({ ...mount, path: clean(mount.path) }))
      .sort((a, b) => b.path.length - a.path.length);
    for (const mount of this.#mounts.filter((candidate) => candidate.subPath !== undefined)) this.#freeze(mount);
  }

  readFile(path: string): Uint8Array | undefined {
    const at = clean(path);
    const found = this.#mountOf(at);
    return found ? found.mount.volume.entries().get(found.rest) : this.#own.get(at);
  }

  writeFile(path: string, data: Uint8Array | string): void {
    const at = clean(path);
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const found = this.#mountOf(at);
    if (!found) {
      if (this.isReadOnly && !at.startsWith('/dev/')) throw readOnly(path);
      this.#own.set(at, bytes);
      return;
    }
    if (found.mount.readOnly || !found.mount.volume.write) throw readOnly(path);
    found.mount.volume.write(found.rest, bytes);
  }

  renew(path: string): Promise<void> | undefined {
    return this.#mountOf(clean(path))?.mount.volume.renew?.();
  }

  list(path: string): string[] | undefined {
    const prefix = clean(path) === '/' ? '/' : `${clean(path)}/`;
    const names = new Set<string>();
    const take = (full: string) => {
      if (full.startsWith(prefix)) names.add(full.slice(prefix.length).split('/')[0]!);
    };
    for (const key of this.#own.keys()) take(key);
    for (const mount of this.#mounts) {
      if (mount.subPath !== undefined) continue;
      take(mount.path);
      for (const key of mount.volume.entries().keys()) take(`${mount.path}/${key}`);
    }
    names.delete('');
    return names.size > 0 || this.#mounts.some((mount) => mount.path === clean(path)) ? [...names].sort() : undefined;
  }

  /** Whether a path is on the container's own root and that cannot be written. */
  isFixed(path: string): boolean {
    return this.isReadOnly && !this.#mountOf(clean(path)) && !clean(path).startsWith('/dev/');
  }

  remove(path: string): void {
    const at = clean(path);
    const found = this.#mountOf(at);
    if (found) found.mount.volume.remove?.(found.rest);
    else this.#own.delete(at);
  }

  watch(path: string, listener: () => void): () => void {
    const at = clean(path);
    const stops = this.#mounts
      .filter((mount) => mount.path === at || mount.path.startsWith(`${at}/`) || at.startsWith(`${mount.path}/`))
      .map((mount) => mount.volume.onChange(listener));
    return () => {
      for (const stop of stops) stop();
    };
  }

  #freeze({ path, volume, subPath = '' }: Mount): void {
    const entries = volume.entries();
    const whole = entries.get(subPath);
    if (whole) this.#own.set(path, whole);
    else
      for (const [key, data] of entries)
        if (key.startsWith(`${subPath}/`)) this.#own.set(`${path}/${key.slice(subPath.length + 1)}`, data);
  }

  #mountOf(path: string): { mount: Mount; rest: string } | undefined {
    for (const mount of this.#mounts) {
      if (mount.subPath === undefined && path.startsWith(`${mount.path}/`))
        return { mount, rest: path.slice(mount.path.length + 1) };
    }
    return undefined;
  }
}

const readOnly = (path: string): Error =>
  Object.assign(new Error(`EROFS: read-only file system, open '${path}'`), { code: 'EROFS' });

/** A folder that programs write to: an emptyDir for as long as its pod lives, or a folder of the node. */
export class ScratchVolume implements MountedVolume {
  readonly #files: Map<string, Uint8Array>;
  readonly #listeners = new Set<() => void>();

  constructor(files: Iterable<readonly [string, Uint8Array]> = []) {
    this.#files = new Map(files);
  }
  entries(): ReadonlyMap<string, Uint8Array> {
    return this.#files;
  }
  write(path: string, data: Uint8Array): void {
    this.#files.set(path, data);
    for (const listener of [...this.#listeners]) listener();
  }
  remove(path: string): void {
    this.#files.delete(path);
  }
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
