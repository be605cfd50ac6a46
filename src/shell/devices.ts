import type { IFileSystem } from 'just-bash';
import { endlessDevice } from './endless.ts';
import type { Descriptors } from './files.ts';
import { readAll, type UnreadableReader } from './pipe.ts';
import type { ByteWriter } from './stdio.ts';

type Fs = IFileSystem;
const DEVICES = [
  '/dev/null',
  '/dev/zero',
  '/dev/random',
  '/dev/urandom',
  '/dev/stdin',
  '/dev/stdout',
  '/dev/stderr',
  '/dev/tty',
];
const decoder = new TextDecoder();
/** What a read of an endless device gives. */
const DEVICE_CHUNK = 4096;

/** Number of the descriptor that a path stands for. */
export function descriptorOf(path: string): number | undefined {
  const named = { '/dev/stdin': 0, '/dev/stdout': 1, '/dev/stderr': 2 }[path];
  if (named !== undefined) return named;
  const match = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path);
  return match ? Number(match[1]) : undefined;
}

/** The file system as one shell process sees it: with /dev/null, /dev/stdin and the files of process substitutions. */
export class DeviceFs implements Fs {
  readonly #base: Fs;
  readonly #descriptors: () => Descriptors;

  constructor(base: Fs, descriptors: () => Descriptors) {
    this.#base = base;
    this.#descriptors = descriptors;
  }

  /** The stream behind a path of a descriptor, so that it can be read as it comes. */
  openReader(path: string): UnreadableReader | undefined {
    const endless = endlessDevice(path);
    if (endless) return endless;
    const fd = descriptorOf(path);
    return fd === undefined ? undefined : this.#descriptors().get(fd)?.reader;
  }
  openWriter(path: string): ByteWriter | undefined {
    const fd = descriptorOf(path);
    return fd === undefined ? undefined : this.#descriptors().get(fd)?.writer;
  }

  isDevice(path: string): boolean {
    if (DEVICES.includes(path)) return true;
    const fd = descriptorOf(path);
    return fd !== undefined && this.#descriptors().get(fd) !== undefined;
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    if (!path.startsWith('/dev/') && !path.startsWith('/proc/')) return this.#base.readFileBuffer(path);
    if (path === '/dev/null') return new Uint8Array();
    if (path === '/dev/zero') return new Uint8Array(DEVICE_CHUNK);
    if (path === '/dev/random' || path === '/dev/urandom') return crypto.getRandomValues(new Uint8Array(DEVICE_CHUNK));
    const reader = this.openReader(path);
    return reader ? readAll(reader) : this.#base.readFileBuffer(path);
  }
  async readFile(path: string, options?: Parameters<Fs['readFile']>[1]): Promise<string> {
    return this.isDevice(path) ? decoder.decode(await this.readFileBuffer(path)) : this.#base.readFile(path, options);
  }
  async writeFile(path: string, content: string | Uint8Array, options?: Parameters<Fs['writeFile']>[2]): Promise<void> {
    if (this.isDevice(path)) await this.openWriter(path)?.write(content);
    else await this.#base.writeFile(path, content, options);
  }
  async appendFile(
    path: string,
    content: string | Uint8Array,
    options?: Parameters<Fs['appendFile']>[2],
  ): Promise<void> {
    if (this.isDevice(path)) await this.openWriter(path)?.write(content);
    else await this.#base.appendFile(path, content, options);
  }
  async exists(path: string): Promise<boolean> {
    return this.isDevice(path) || this.#base.exists(path);
  }
  async stat(path: string): ReturnType<Fs['stat']> {
    if (!this.isDevice(path)) return this.#base.stat(path);
    return { isFile: true, isDirectory: false, isSymbolicLink: false, mode: 0o666, size: 0, mtime: new Date(0) };
  }
  lstat(path: string): ReturnType<Fs['lstat']> {
    return this.isDevice(path) ? this.stat(path) : this.#base.lstat(path);
  }
  async realpath(path: string): Promise<string> {
    return this.isDevice(path) ? path : this.#base.realpath(path);
  }
  mkdir(path: string, options?: Parameters<Fs['mkdir']>[1]): Promise<void> {
    return this.#base.mkdir(path, options);
  }
  readdir(path: string): Promise<string[]> {
    return this.#base.readdir(path);
  }
  rm(path: string, options?: Parameters<Fs['rm']>[1]): Promise<void> {
    return this.#base.rm(path, options);
  }
  cp(from: string, to: string, options?: Parameters<Fs['cp']>[2]): Promise<void> {
    return this.#base.cp(from, to, options);
  }
  mv(from: string, to: string): Promise<void> {
    return this.#base.mv(from, to);
  }
  resolvePath(base: string, path: string): string {
    return this.#base.resolvePath(base, path);
  }
  getAllPaths(): string[] {
    return this.#base.getAllPaths();
  }
  chmod(path: string, mode: number): Promise<void> {
    return this.#base.chmod(path, mode);
  }
  symlink(target: string, path: string): Promise<void> {
    return this.#base.symlink(target, path);
  }
  link(from: string, to: string): Promise<void> {
    return this.#base.link(from, to);
  }
  readlink(path: string): Promise<string> {
    return this.#base.readlink(path);
  }
  utimes(path: string, atime: Date, mtime: Date): Promise<void> {
    return this.#base.utimes(path, atime, mtime);
  }
}
