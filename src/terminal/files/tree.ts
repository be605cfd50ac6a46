import {
  type DirectoryNode,
  directoryNode,
  fileNode,
  isWithin,
  linkNode,
  type Node,
  normalize,
  partsOf,
} from './nodes.ts';

/** Symbolic links followed in one look-up before it is taken for a loop, as Linux counts. */
const MOST_LINKS = 40;
/** Longest name of one entry, bytes. */
const LONGEST_NAME = 255;
const DEEPEST = 32;

export interface TreeLimits {
  /** Bytes of all files together. */
  totalBytes: number;
  /** Entries of all kinds. */
  entries: number;
  /** Largest file at this path, bytes. */
  fileBytes(path: string): number;
  /** Whether the learner may change what lies at this path. */
  writable(path: string): boolean;
}

export interface TreeOptions {
  limits: TreeLimits;
  now(): number;
  /** Called after the file at `path` got this content, or null: there is no file any more. */
  changed(path: string, content: Uint8Array | null): void;
}

type FsError = Error & { code: string };

export function failure(code: string, words: string, call: string, path: string): FsError {
  return Object.assign(new Error(`${code}: ${words}, ${call} '${path}'`), { code });
}

const MISSING = 'no such file or directory';

/**
 * A file tree in memory with the errors of a Unix. Every change is one synchronous step, so that the editor and several
 * shells can share it. Failures are Errors with a `code` (ENOENT, EACCES, ENOSPC, EFBIG …) and Node's wording.
 */
export class FileTree {
  readonly #root: DirectoryNode;
  readonly #options: TreeOptions;
  #bytes = 0;
  #entries = 0;
  #privileged = false;

  constructor(options: TreeOptions) {
    this.#options = options;
    this.#root = directoryNode(options.now());
  }

  /** Runs `work` as the system itself would: nothing is read-only and no change is told. */
  asSystem<T>(work: () => T): T {
    this.#privileged = true;
    try {
      return work();
    } finally {
      this.#privileged = false;
    }
  }

  // Looking things up.

  /** The entry at `path` and its true path; `follow`: a symbolic link at the end is followed. */
  find(path: string, follow = true, call = 'open'): { node: Node | undefined; parent: DirectoryNode; path: string } {
    let rest = partsOf(path);
    let parent = this.#root;
    let node: Node | undefined = this.#root;
    let at: string[] = [];
    let links = 0;
    while (rest.length > 0) {
      const [name, ...after] = rest as [string, ...string[]];
      if (node?.type !== 'directory')
        throw failure(node ? 'ENOTDIR' : 'ENOENT', node ? 'not a directory' : MISSING, call, path);
      parent = node;
      node = parent.entries.get(name);
      rest = after;
      if (node?.type === 'link' && (follow || rest.length > 0)) {
        if (++links > MOST_LINKS) throw failure('ELOOP', 'too many levels of symbolic links', call, path);
        rest = [...partsOf(node.target.startsWith('/') ? node.target : `/${at.join('/')}/${node.target}`), ...rest];
        node = this.#root;
        parent = this.#root;
        at = [];
        continue;
      }
      at = [...at, name];
    }
    return { node, parent, path: `/${at.join('/')}` };
  }

  /** As `find`, but throws ENOENT when there is nothing. */
  must(path: string, call: string, follow = true): { node: Node; parent: DirectoryNode; path: string } {
    const found = this.find(path, follow, call);
    if (!found.node) throw failure('ENOENT', MISSING, call, path);
    return { ...found, node: found.node };
  }

  /** The bytes of a file; undefined when there is none. */
  bytesOf(path: string): Uint8Array | undefined {
    try {
      const { node } = this.find(path);
      return node?.type === 'file' ? node.content : undefined;
    } catch {
      return undefined;
    }
  }

  /** Every file below `folder`, by true path, in order of their names. */
  filesBelow(folder: string): { path: string; content: Uint8Array }[] {
    const { node, path } = this.find(folder);
    const found: { path: string; content: Uint8Array }[] = [];
    const walk = (each: Node, at: string) => {
      if (each.type === 'file') found.push({ path: at, content: each.content });
      if (each.type !== 'directory') return;
      for (const [name, child] of [...each.entries].sort(([a], [b]) => (a < b ? -1 : 1)))
        walk(child, at === '/' ? `/${name}` : `${at}/${name}`);
    };
    if (node) walk(node, path);
    return found;
  }

  allPaths(): string[] {
    const paths: string[] = [];
    const walk = (node: Node, at: string) => {
      paths.push(at === '' ? '/' : at);
      if (node.type === 'directory') for (const [name, child] of node.entries) walk(child, `${at}/${name}`);
    };
    walk(this.#root, '');
    return paths;
  }

  // Changing things.

  writeSync(path: string, content: Uint8Array): void {
    const found = this.find(path, true, 'open');
    if (found.node?.type === 'directory') throw failure('EISDIR', 'illegal operation on a directory', 'open', path);
    if (found.node && found.path === '/dev/null') return;
    this.#mayWrite(found.path, 'open', path);
    const before = found.node?.type === 'file' ? found.node.content.length : 0;
    const limit = this.#options.limits.fileBytes(found.path);
    if (!this.#privileged && content.length > limit && content.length > before)
      throw failure('EFBIG', 'file too large', 'write', path);
    this.#makeRoom(content.length - before, found.node ? 0 : 1, path);
    const now = this.#options.now();
    if (found.node?.type === 'file') {
      this.#bytes += content.length - before;
      found.node.content = content;
      found.node.mtime = now;
    } else this.#insert(found.parent, found.path, fileNode(content, now));
    this.#tell(found.path, content);
  }

  mkdirSync(path: string, recursive: boolean): void {
    const normal = normalize(path);
    const found = this.tryFind(normal);
    if (found?.node) {
      if (recursive && found.node.type === 'directory') return;
      throw failure('EEXIST', 'file already exists', 'mkdir', path);
    }
    if (recursive) {
      const parent = normal.slice(0, normal.lastIndexOf('/'));
      if (parent !== '') this.mkdirSync(parent, true);
    }
    const place = this.find(normal, true, 'mkdir');
    this.#mayWrite(place.path, 'mkdir', path);
    this.#makeRoom(0, 1, path);
    this.#insert(place.parent, place.path, directoryNode(this.#options.now()));
  }

  removeSync(path: string, recursive: boolean): void {
    const { node, parent, path: at } = this.must(path, 'rm', false);
    if (at === '/') throw failure('EBUSY', 'resource busy or locked', 'rm', path);
    this.#mayWrite(at, 'rm', path);
    if (node.type === 'directory' && node.entries.size > 0 && !recursive)
      throw failure('ENOTEMPTY', 'directory not empty', 'rm', path);
    const gone = this.filesAt(node, at);
    this.#detach(parent, at, node);
    for (const file of gone) this.#tell(file, null);
  }

  moveSync(from: string, to: string): void {
    const source = this.must(from, 'mv', false);
    let target = this.find(to, false, 'mv');
    if (target.node?.type === 'directory' && source.node.type !== 'directory')
      target = this.find(`${normalize(to)}/${source.path.slice(source.path.lastIndexOf('/') + 1)}`, false, 'mv');
    if (source.path === target.path) return;
    this.#mayWrite(source.path, 'mv', from);
    this.#mayWrite(target.path, 'mv', to);
    if (isWithin(target.path, source.path)) throw failure('EINVAL', 'cannot move a directory into itself', 'mv', from);
    if (target.node?.type === 'directory' && target.node.entries.size > 0)
      throw failure('ENOTEMPTY', 'directory not empty', 'mv', to);
    if (target.node && target.node.type !== 'directory' && source.node.type === 'directory')
      throw failure('ENOTDIR', 'not a directory', 'mv', to);
    if (source.node.type === 'file' && source.node.content.length > this.#options.limits.fileBytes(target.path))
      throw failure('EFBIG', 'file too large', 'mv', to);
    const gone = this.filesAt(source.node, source.path);
    if (target.node) this.#detach(target.parent, target.path, target.node);
    this.#detach(source.parent, source.path, source.node);
    this.#insert(target.parent, target.path, source.node);
    for (const file of gone) this.#tell(file, null);
    for (const file of this.filesAt(source.node, target.path)) this.#tell(file, this.bytesOf(file) ?? null);
  }

  copySync(from: string, to: string, recursive: boolean): void {
    const { node, path } = this.must(from, 'cp');
    if (node.type === 'file') {
      this.writeSync(to, node.content);
      const made = this.find(to).node;
      if (made && normalize(to) !== '/dev/null') made.mode = node.mode;
      return;
    }
    if (node.type !== 'directory') return;
    if (!recursive) throw failure('EISDIR', 'is a directory', 'cp', from);
    if (isWithin(normalize(to), path)) throw failure('EINVAL', 'cannot copy a directory into itself', 'cp', from);
    this.mkdirSync(to, true);
    for (const name of [...node.entries.keys()]) this.copySync(`${path}/${name}`, `${normalize(to)}/${name}`, true);
  }

  /** Changes the mode or the time of an entry. */
  changeSync(path: string, call: 'chmod' | 'utimes', change: { mode?: number; mtime?: number }): void {
    const { node, path: at } = this.must(path, call);
    this.#mayWrite(at, call, path);
    if (change.mode !== undefined) node.mode = change.mode & 0o7777;
    if (change.mtime !== undefined) node.mtime = change.mtime;
  }

  symlinkSync(target: string, link: string): void {
    const place = this.find(link, false, 'symlink');
    if (place.node) throw failure('EEXIST', 'file already exists', 'symlink', link);
    this.#mayWrite(place.path, 'symlink', link);
    this.#makeRoom(0, 1, link);
    this.#insert(place.parent, place.path, linkNode(target, this.#options.now()));
  }

  /** Paths of the files at and below a node that lies at `path`. */
  filesAt(node: Node, path: string): string[] {
    if (node.type === 'file') return [path];
    if (node.type !== 'directory') return [];
    return [...node.entries].flatMap(([name, child]) => this.filesAt(child, `${path}/${name}`));
  }

  /** As `find`, but undefined where the path cannot be walked. */
  tryFind(path: string, follow = true): ReturnType<FileTree['find']> | undefined {
    try {
      return this.find(path, follow);
    } catch {
      return undefined;
    }
  }

  #mayWrite(at: string, call: string, path: string): void {
    if (!this.#privileged && !this.#options.limits.writable(at))
      throw failure('EACCES', 'permission denied', call, path);
  }

  #makeRoom(bytes: number, entries: number, path: string): void {
    if (this.#privileged) return;
    const { totalBytes, entries: most } = this.#options.limits;
    if (bytes > 0 && this.#bytes + bytes > totalBytes)
      throw failure('ENOSPC', 'no space left on device', 'write', path);
    if (entries > 0 && this.#entries + entries > most) throw failure('ENOSPC', 'no space left on device', 'open', path);
  }

  #insert(parent: DirectoryNode, path: string, node: Node): void {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (Buffer.byteLength(name) > LONGEST_NAME || path.split('/').length - 1 > DEEPEST)
      throw failure('ENAMETOOLONG', 'name too long', 'open', path);
    parent.entries.set(name, node);
    parent.mtime = this.#options.now();
    this.#count(node, 1);
  }

  #detach(parent: DirectoryNode, path: string, node: Node): void {
    parent.entries.delete(path.slice(path.lastIndexOf('/') + 1));
    parent.mtime = this.#options.now();
    this.#count(node, -1);
  }

  #count(node: Node, sign: 1 | -1): void {
    this.#entries += sign;
    if (node.type === 'file') this.#bytes += sign * node.content.length;
    if (node.type === 'directory') for (const child of node.entries.values()) this.#count(child, sign);
  }

  #tell(path: string, content: Uint8Array | null): void {
    if (!this.#privileged) this.#options.changed(path, content);
  }
}
