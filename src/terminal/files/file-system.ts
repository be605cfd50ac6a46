import type { FsStat, IFileSystem } from 'just-bash';
import { type FileNode, type Node, normalize } from './nodes.ts';
import { type FileTree, failure } from './tree.ts';

/** The shell's view of a {@link FileTree}. */
export class TreeFileSystem implements IFileSystem {
  readonly #tree: FileTree;

  constructor(tree: FileTree) {
    this.#tree = tree;
  }

  async readFile(path: string, options?: Parameters<IFileSystem['readFile']>[1]): Promise<string> {
    const encoding = (typeof options === 'string' ? options : options?.encoding) ?? 'utf8';
    const name = encoding === 'binary' ? 'latin1' : encoding === 'utf-8' ? 'utf8' : encoding;
    return Buffer.from(await this.readFileBuffer(path)).toString(name);
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    const { node } = this.#tree.must(path, 'open');
    if (node.type === 'directory') throw failure('EISDIR', 'illegal operation on a directory', 'read', path);
    return (node as FileNode).content;
  }

  async writeFile(path: string, content: string | Uint8Array, options?: unknown): Promise<void> {
    this.#tree.writeSync(path, asBytes(content, options));
  }

  async appendFile(path: string, content: string | Uint8Array, options?: unknown): Promise<void> {
    const before = this.#tree.find(path).node;
    const more = asBytes(content, options);
    this.#tree.writeSync(path, before?.type === 'file' ? Buffer.concat([before.content, more]) : more);
  }

  async exists(path: string): Promise<boolean> {
    return this.#tree.tryFind(path)?.node !== undefined;
  }

  async stat(path: string): Promise<FsStat> {
    return statOf(this.#tree.must(path, 'stat').node);
  }

  async lstat(path: string): Promise<FsStat> {
    return statOf(this.#tree.must(path, 'lstat', false).node);
  }

  async mkdir(path: string, options?: { recursive?: boolean }): Promise<void> {
    this.#tree.mkdirSync(path, options?.recursive ?? false);
  }

  async readdir(path: string): Promise<string[]> {
    return (await this.readdirWithFileTypes(path)).map((each) => each.name);
  }

  async readdirWithFileTypes(path: string) {
    const { node } = this.#tree.must(path, 'scandir');
    if (node.type !== 'directory') throw failure('ENOTDIR', 'not a directory', 'scandir', path);
    return [...node.entries]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, child]) => ({
        name,
        isFile: child.type === 'file',
        isDirectory: child.type === 'directory',
        isSymbolicLink: child.type === 'link',
      }));
  }

  async rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void> {
    if (options?.force && !this.#tree.tryFind(path, false)?.node) return;
    this.#tree.removeSync(path, options?.recursive ?? false);
  }

  async cp(from: string, to: string, options?: { recursive?: boolean }): Promise<void> {
    this.#tree.copySync(from, to, options?.recursive ?? false);
  }

  async mv(from: string, to: string): Promise<void> {
    this.#tree.moveSync(from, to);
  }

  resolvePath(base: string, path: string): string {
    return normalize(path.startsWith('/') ? path : `${base}/${path}`);
  }

  getAllPaths(): string[] {
    return this.#tree.allPaths();
  }

  async chmod(path: string, mode: number): Promise<void> {
    this.#tree.changeSync(path, 'chmod', { mode });
  }

  async symlink(target: string, link: string): Promise<void> {
    this.#tree.symlinkSync(target, link);
  }

  async link(existing: string, path: string): Promise<void> {
    this.#tree.must(existing, 'link');
    throw failure('EPERM', 'operation not permitted (this disk has no hard links)', 'link', path);
  }

  async readlink(path: string): Promise<string> {
    const { node } = this.#tree.must(path, 'readlink', false);
    if (node.type !== 'link') throw failure('EINVAL', 'invalid argument', 'readlink', path);
    return node.target;
  }

  async realpath(path: string): Promise<string> {
    return this.#tree.must(path, 'realpath').path;
  }

  async utimes(path: string, _atime: Date, mtime: Date): Promise<void> {
    this.#tree.changeSync(path, 'utimes', { mtime: mtime.getTime() });
  }
}

function statOf(node: Node): FsStat {
  return {
    isFile: node.type === 'file',
    isDirectory: node.type === 'directory',
    isSymbolicLink: node.type === 'link',
    mode: node.mode,
    size: node.type === 'file' ? node.content.length : node.type === 'link' ? node.target.length : 4096,
    mtime: new Date(node.mtime),
    ino: node.ino,
    dev: 1,
  };
}

function asBytes(content: string | Uint8Array, options: unknown): Uint8Array {
  if (typeof content !== 'string') return Uint8Array.from(content);
  const encoding = typeof options === 'string' ? options : (options as { encoding?: string } | undefined)?.encoding;
  const latin = encoding === 'binary' || encoding === 'latin1';
  return Buffer.from(content, latin ? 'latin1' : encoding === 'base64' || encoding === 'hex' ? encoding : 'utf8');
}
