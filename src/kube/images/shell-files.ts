import { posix } from 'node:path';
import type { IFileSystem } from 'just-bash';
import type { ContainerContext, ContainerFiles } from './program.ts';

type FileContent = Parameters<IFileSystem['writeFile']>[1];
type Stat = Awaited<ReturnType<IFileSystem['stat']>>;

/** What a container's tree keeps no record of: folders without files, modes, times and links. One for a container. */
interface Extras {
  folders: Set<string>;
  modes: Map<string, number>;
  times: Map<string, number>;
  links: Map<string, string>;
}

const extrasOf = new WeakMap<ContainerFiles, Extras>();

/** Folders that every image has. */
const BASE = ['/', '/bin', '/dev', '/etc', '/home', '/lib', '/mnt', '/opt', '/proc', '/root', '/run', '/sbin', '/srv'];
BASE.push('/sys', '/tmp', '/usr', '/usr/bin', '/usr/lib', '/usr/local', '/usr/sbin', '/var', '/var/log', '/var/run');

/** Only root writes here. */
const ROOTS_OWN = ['/bin', '/etc', '/lib', '/opt', '/proc', '/root', '/sbin', '/srv', '/sys', '/usr', '/var', '/dev'];

const DEVICES = new Set(['/dev/null', '/dev/zero', '/dev/stdin', '/dev/stdout', '/dev/stderr', '/dev/tty']);

/** What stands in a program's file. */
const PROGRAM = Buffer.from('\x7fELF\n', 'latin1');

function failure(code: string, words: string, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${words}, ${call} '${path}'`), { code, path });
}
const missing = (call: string, path: string) => failure('ENOENT', 'no such file or directory', call, path);

const toBytes = (content: FileContent, encoding?: unknown): Uint8Array => {
  if (typeof content !== 'string') return content;
  const name = typeof encoding === 'object' && encoding ? (encoding as { encoding?: string }).encoding : encoding;
  return Buffer.from(content, (name ?? 'utf8') === 'binary' ? 'latin1' : ((name ?? 'utf8') as 'utf8'));
};

/** A container's file tree as the shell's file system. Several may stand for one tree and see each other's changes. */
export class ShellFiles implements IFileSystem {
  readonly #files: ContainerFiles;
  readonly #extras: Extras;
  readonly #programs: ReadonlySet<string>;
  readonly #now: () => number;
  readonly #born: number;
  readonly #uid: number;
  readonly #writable: string[];

  /** `programs` are the names that the image has in /bin and /usr/bin. */
  constructor(
    context: Pick<ContainerContext, 'files' | 'clock' | 'uid' | 'env' | 'cwd'>,
    programs: ReadonlySet<string> = new Set(),
  ) {
    this.#files = context.files;
    this.#programs = programs;
    this.#now = () => context.clock.now();
    this.#uid = context.uid;
    this.#writable = ['/tmp', '/dev/shm', context.env['HOME'] ?? '', context.cwd].filter((path) => path.length > 1);
    let extras = extrasOf.get(context.files);
    if (!extras) {
      extras = { folders: new Set(BASE), modes: new Map(), times: new Map(), links: new Map() };
      extrasOf.set(context.files, extras);
    }
    this.#extras = extras;
    for (const path of [context.env['HOME'], context.cwd]) if (path?.startsWith('/')) this.#keepFolder(path);
    this.#born = this.#now();
  }

  resolvePath(base: string, path: string): string {
    return posix.resolve('/', base, path);
  }

  async readFile(path: string, options?: Parameters<IFileSystem['readFile']>[1]): Promise<string> {
    const encoding = typeof options === 'string' ? options : (options?.encoding ?? 'utf8');
    const bytes = Buffer.from(await this.readFileBuffer(path));
    return bytes.toString(encoding === 'binary' ? 'latin1' : (encoding as 'utf8'));
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    const at = this.#follow(path);
    if (DEVICES.has(at)) return new Uint8Array();
    const found = this.#files.readFile(at);
    if (found) return found;
    if (this.#isProgram(at)) return PROGRAM;
    throw this.#isFolder(at)
      ? failure('EISDIR', 'illegal operation on a directory', 'read', path)
      : missing('open', path);
  }

  async writeFile(path: string, content: FileContent, options?: unknown): Promise<void> {
    const at = this.#follow(path);
    if (DEVICES.has(at)) return;
    if (this.#isFolder(at)) throw failure('EISDIR', 'illegal operation on a directory', 'open', path);
    if (!this.#isFolder(posix.dirname(at))) throw missing('open', path);
    this.#mayWrite(at, 'open', path);
    this.#files.writeFile(at, toBytes(content, options));
    this.#extras.times.set(at, this.#now());
  }

  async appendFile(path: string, content: FileContent, options?: unknown): Promise<void> {
    const before = this.#files.readFile(this.#follow(path)) ?? new Uint8Array();
    await this.writeFile(path, Buffer.concat([before, toBytes(content, options)]));
  }

  async exists(path: string): Promise<boolean> {
    return this.#exists(this.#follow(path));
  }

  async stat(path: string): Promise<Stat> {
    return this.#stat(this.#follow(path), path, 'stat');
  }

  async lstat(path: string): Promise<Stat> {
    const at = this.resolvePath('/', path);
    const target = this.#extras.links.get(at);
    if (target === undefined) return this.#stat(this.#follow(path), path, 'lstat');
    return { ...this.#shape(at, target.length), isSymbolicLink: true, mode: 0o777 };
  }

  async mkdir(path: string, options?: { recursive?: boolean }): Promise<void> {
    const at = this.#follow(path);
    if (this.#exists(at)) {
      if (options?.recursive && this.#isFolder(at)) return;
      throw failure('EEXIST', 'file already exists', 'mkdir', path);
    }
    if (!options?.recursive && !this.#isFolder(posix.dirname(at))) throw missing('mkdir', path);
    this.#mayWrite(at, 'mkdir', path);
    this.#keepFolder(at);
  }

  async readdir(path: string): Promise<string[]> {
    const at = this.#follow(path);
    if (!this.#isFolder(at)) {
      throw this.#exists(at) ? failure('ENOTDIR', 'not a directory', 'scandir', path) : missing('scandir', path);
    }
    const prefix = at === '/' ? '/' : `${at}/`;
    const names = new Set(this.#files.list(at) ?? []);
    for (const entry of [...this.#extras.folders, ...this.#extras.links.keys()])
      if (entry.startsWith(prefix) && entry.length > prefix.length)
        names.add(entry.slice(prefix.length).split('/')[0]!);
    if (at === '/bin' || at === '/usr/bin') for (const program of this.#programs) names.add(program);
    if (at === '/dev') for (const device of DEVICES) names.add(posix.basename(device));
    return [...names].sort();
  }

  async readdirWithFileTypes(path: string): ReturnType<NonNullable<IFileSystem['readdirWithFileTypes']>> {
    const names = await this.readdir(path);
    return Promise.all(
      names.map(async (name) => {
        const { isFile, isDirectory, isSymbolicLink } = await this.lstat(posix.join(path, name));
        return { name, isFile, isDirectory, isSymbolicLink };
      }),
    );
  }

  async rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void> {
    const at = this.resolvePath('/', path);
    if (this.#extras.links.delete(at)) return;
    const real = this.#follow(path);
    if (!this.#exists(real)) {
      if (options?.force) return;
      throw missing('rm', path);
    }
    this.#mayWrite(real, 'rm', path);
    if (!this.#isFolder(real)) {
      this.#files.remove(real);
      this.#forget(real);
      return;
    }
    const inside = await this.readdir(real);
    if (inside.length > 0 && !options?.recursive) throw failure('ENOTEMPTY', 'directory not empty', 'rm', path);
    for (const name of inside) await this.rm(posix.join(real, name), { recursive: true, force: true });
    this.#forget(real);
  }

  async cp(source: string, destination: string, options?: { recursive?: boolean }): Promise<void> {
    const from = this.#follow(source);
    if (!this.#exists(from)) throw missing('cp', source);
    if (!this.#isFolder(from)) {
      await this.writeFile(destination, await this.readFileBuffer(from));
      const mode = this.#extras.modes.get(from);
      if (mode !== undefined) this.#extras.modes.set(this.#follow(destination), mode);
      return;
    }
    if (!options?.recursive) throw failure('EISDIR', 'is a directory', 'cp', source);
    await this.mkdir(destination, { recursive: true });
    for (const name of await this.readdir(from))
      await this.cp(posix.join(from, name), posix.join(destination, name), options);
  }

  async mv(source: string, destination: string): Promise<void> {
    await this.cp(source, destination, { recursive: true });
    await this.rm(source, { recursive: true });
  }

  getAllPaths(): string[] {
    const all = new Set<string>(this.#extras.folders);
    const visit = (folder: string) => {
      for (const name of this.#files.list(folder) ?? []) {
        const path = posix.join(folder, name);
        all.add(path);
        visit(path);
      }
    };
    visit('/');
    for (const link of this.#extras.links.keys()) all.add(link);
    return [...all].sort();
  }

  async chmod(path: string, mode: number): Promise<void> {
    const at = this.#follow(path);
    if (!this.#exists(at)) throw missing('chmod', path);
    this.#extras.modes.set(at, mode & 0o7777);
  }

  async symlink(target: string, linkPath: string): Promise<void> {
    const at = this.resolvePath('/', linkPath);
    if (this.#exists(at) || this.#extras.links.has(at))
      throw failure('EEXIST', 'file already exists', 'symlink', linkPath);
    this.#mayWrite(at, 'symlink', linkPath);
    this.#extras.links.set(at, target);
  }

  async link(existingPath: string, newPath: string): Promise<void> {
    await this.writeFile(newPath, await this.readFileBuffer(existingPath));
  }

  async readlink(path: string): Promise<string> {
    const target = this.#extras.links.get(this.resolvePath('/', path));
    if (target === undefined) throw failure('EINVAL', 'invalid argument', 'readlink', path);
    return target;
  }

  async realpath(path: string): Promise<string> {
    const at = this.#follow(path);
    if (!this.#exists(at)) throw missing('realpath', path);
    return at;
  }

  async utimes(path: string, _atime: Date, mtime: Date): Promise<void> {
    const at = this.#follow(path);
    if (!this.#exists(at)) throw missing('utimes', path);
    this.#extras.times.set(at, mtime.getTime());
  }

  /** The absolute path that `path` means, links followed (at most forty, as the kernel). */
  #follow(path: string): string {
    let at = this.resolvePath('/', path);
    for (let i = 0; i < 40; i++) {
      const link = [...this.#extras.links].find(([name]) => at === name || at.startsWith(`${name}/`));
      if (!link) return at;
      at = posix.resolve(posix.dirname(link[0]), link[1]) + at.slice(link[0].length);
    }
    throw failure('ELOOP', 'too many symbolic links encountered', 'open', path);
  }

  #isFolder(at: string): boolean {
    if (this.#extras.folders.has(at)) return true;
    return this.#files.readFile(at) === undefined && this.#files.list(at) !== undefined;
  }

  #exists(at: string): boolean {
    return DEVICES.has(at) || this.#isFolder(at) || this.#isProgram(at) || this.#files.readFile(at) !== undefined;
  }

  #isProgram(at: string): boolean {
    const [, name] = /^(?:\/usr)?\/bin\/([^/]+)$/.exec(at) ?? [];
    return name !== undefined && this.#programs.has(name);
  }

  #stat(at: string, path: string, call: string): Stat {
    if (DEVICES.has(at)) return { ...this.#shape(at, 0), isFile: false, mode: 0o666 };
    if (this.#isFolder(at)) {
      const mode = this.#extras.modes.get(at) ?? (at === '/tmp' ? 0o1777 : 0o755);
      return { ...this.#shape(at, 4096), isFile: false, isDirectory: true, mode };
    }
    const found = this.#files.readFile(at);
    if (found) return this.#shape(at, found.length);
    if (this.#isProgram(at)) return { ...this.#shape(at, PROGRAM.length), mode: 0o755 };
    throw missing(call, path);
  }

  #shape(at: string, size: number): Stat {
    const mtime = new Date(this.#extras.times.get(at) ?? this.#born);
    const mode = this.#extras.modes.get(at) ?? 0o644;
    return { isFile: true, isDirectory: false, isSymbolicLink: false, mode, size, mtime };
  }

  #keepFolder(at: string): void {
    for (let folder = at; folder !== '/'; folder = posix.dirname(folder)) this.#extras.folders.add(folder);
  }

  #forget(at: string): void {
    this.#extras.folders.delete(at);
    this.#extras.modes.delete(at);
    this.#extras.times.delete(at);
  }

  #mayWrite(at: string, call: string, path: string): void {
    if (this.#files.isFixed?.(at)) throw failure('EROFS', 'read-only file system', call, path);
    if (this.#uid === 0) return;
    const below = (folder: string) => at === folder || at.startsWith(`${folder}/`);
    if (this.#writable.some(below)) return;
    if (posix.dirname(at) === '/' || ROOTS_OWN.some(below)) throw failure('EACCES', 'permission denied', call, path);
  }
}
