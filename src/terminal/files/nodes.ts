/** One entry of the tree. A file's bytes are replaced and never changed in place, so that a reader keeps what it read. */
export type Node = FileNode | DirectoryNode | LinkNode;

interface Common {
  mode: number;
  /** ms since the epoch. */
  mtime: number;
  readonly ino: number;
}

export interface FileNode extends Common {
  type: 'file';
  content: Uint8Array;
}

export interface DirectoryNode extends Common {
  type: 'directory';
  entries: Map<string, Node>;
}

export interface LinkNode extends Common {
  type: 'link';
  target: string;
}

let lastIno = 1;

export const fileNode = (content: Uint8Array, mtime: number, mode = 0o644): FileNode => ({
  type: 'file',
  content,
  mode,
  mtime,
  ino: lastIno++,
});

export const directoryNode = (mtime: number): DirectoryNode => ({
  type: 'directory',
  entries: new Map(),
  mode: 0o755,
  mtime,
  ino: lastIno++,
});

export const linkNode = (target: string, mtime: number): LinkNode => ({
  type: 'link',
  target,
  mode: 0o777,
  mtime,
  ino: lastIno++,
});

/** An absolute path without `.`, `..` and doubled slashes. */
export function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export const partsOf = (path: string): string[] => normalize(path).split('/').filter(Boolean);

/** Whether `path` is `folder` or lies below it; both absolute and normal. */
export const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
