import type { IFileSystem } from 'just-bash';
import { type Clock, type Timer, WallClock } from '#base/clock.ts';
import { AcademyError, messageOf } from '#base/errors.ts';
import { type FileView, MAX_FILE_BYTES } from '#schema/protocol.ts';
import { ETC, hostname, programText } from './files/etc.ts';
import { TreeFileSystem } from './files/file-system.ts';
import { isWithin, normalize } from './files/nodes.ts';
import { FileTree } from './files/tree.ts';

export const HOME = '/home/learner';
export const HOST = hostname;

const MIB = 1024 * 1024;
const TOTAL_BYTES = 64 * MIB;
const MOST_ENTRIES = 5_000;
/** A write by the shell is told when the file has been left alone for this long … */
const QUIET_MS = 80;
/** … or at the latest after this long. */
const LONGEST_WAIT_MS = 1_000;
/** Folders in the name of a new file from the editor. */
const DEEPEST = 12;

export interface WorkspaceOptions {
  /** Content by path below the home. These are not told to `onFile`. */
  files: Record<string, Uint8Array>;
  /** A file below the home has this content now, or null: it is gone. The path is relative to the home. */
  onFile(path: string, content: Uint8Array | null, version: number): void;
  /** The editor saved over what a program had written meanwhile; the program's text was kept as `keptAs`. */
  onConflict?(path: string, keptAs: string): void;
  clock?: Clock;
}

interface Known {
  /** Of the present content; grows with every change of any file. */
  version: number;
  /** Version of the last change that did not come from the editor. */
  byProgram: number;
}

interface Pending {
  timer: Timer;
  since: number;
}

/**
 * The learner's files: one tree for the editor and all shells. Below the home every change is told once, the editor's at
 * once and a program's at the end of its writing. Names from the editor are relative to the home; a bad one is an
 * AcademyError `file/name`, a file above 1 MiB or a full disk `file/too-large`.
 */
export class Workspace {
  readonly fs: IFileSystem;
  readonly home = HOME;
  readonly #tree: FileTree;
  readonly #onFile: WorkspaceOptions['onFile'];
  readonly #onConflict: WorkspaceOptions['onConflict'];
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #pending = new Map<string, Pending>();
  #version = 1;
  #byEditor = false;

  constructor(options: WorkspaceOptions) {
    this.#onFile = options.onFile;
    this.#onConflict = options.onConflict;
    this.#clock = options.clock ?? new WallClock();
    const tree = new FileTree({
      limits: {
        totalBytes: TOTAL_BYTES,
        entries: MOST_ENTRIES,
        fileBytes: (path) => (isWithin(path, HOME) ? MAX_FILE_BYTES : TOTAL_BYTES),
        writable: (path) => (isWithin(path, HOME) && path !== HOME) || path.startsWith('/tmp/') || path === '/dev/null',
      },
      now: () => this.#clock.now(),
      changed: (path, content) => this.#changed(path, content),
    });
    this.#tree = tree;
    this.fs = new TreeFileSystem(tree);
    tree.asSystem(() => {
      for (const folder of [HOME, '/tmp', '/etc', '/dev', '/usr/bin', '/var/tmp']) tree.mkdirSync(folder, true);
      for (const [path, text] of Object.entries(ETC)) tree.writeSync(path, Buffer.from(text));
      tree.mkdirSync('/bin', true);
      for (const [path, content] of Object.entries(options.files)) {
        // A program may have chosen a name that the editor could not; it comes back all the same.
        const absolute = normalize(`${HOME}/${path}`);
        if (!isWithin(absolute, HOME) || absolute === HOME) continue;
        tree.mkdirSync(absolute.slice(0, absolute.lastIndexOf('/')), true);
        tree.writeSync(absolute, content);
        this.#known.set(relative(absolute), { version: 1, byProgram: 1 });
      }
    });
  }

  /** Lists these programs in /usr/bin, for `which`, `ls` and completion. */
  installPrograms(programs: Iterable<{ name: string; summary?: string }>): void {
    this.#tree.asSystem(() => {
      for (const { name, summary } of programs) {
        const path = `/usr/bin/${name}`;
        this.#tree.writeSync(path, Buffer.from(programText(name, summary)));
        const { node } = this.#tree.find(path);
        if (node) node.mode = 0o755;
      }
    });
  }

  /** Every text file below the home. What is not text cannot be shown in an editor and is left out. */
  list(): FileView[] {
    return this.#tree.filesBelow(HOME).flatMap(({ path, content }) => {
      const text = textOf(content);
      const name = relative(path);
      return text === undefined ? [] : [{ path: name, content: text, version: this.#known.get(name)?.version ?? 1 }];
    });
  }

  /**
   * Saves what the editor holds; folders on the way are made. When a program changed the file after `baseVersion`, its text is
   * kept beside it as `<path>.orig` and the editor's text takes the name, so that nothing is lost.
   */
  write(path: string, content: string, baseVersion?: number): void {
    const absolute = this.#checked(path, true);
    const name = relative(absolute);
    const bytes = Buffer.from(content);
    if (bytes.length > MAX_FILE_BYTES)
      throw new AcademyError('file/too-large', `"${name}" would hold ${bytes.length} bytes; 1 MiB is the most.`);
    const present = this.#tree.bytesOf(absolute);
    if (present && Buffer.compare(present, bytes) === 0) return;
    const known = this.#known.get(name);
    const conflict = present && baseVersion !== undefined && known && known.byProgram > baseVersion;
    const keptAs = conflict ? this.#freeName(`${name}.orig`) : undefined;
    this.#asEditor(name, () => {
      if (keptAs && present) this.#tree.writeSync(`${HOME}/${keptAs}`, present);
      const folder = absolute.slice(0, absolute.lastIndexOf('/'));
      if (folder !== HOME) this.#tree.mkdirSync(folder, true);
      this.#tree.writeSync(absolute, bytes);
    });
    if (keptAs) this.#onConflict?.(name, keptAs);
  }

  /** Removes a file, or a folder with all it holds. Quiet when there is none: another tab may have been first. */
  delete(path: string): void {
    const absolute = this.#checked(path, false);
    const name = relative(absolute);
    if (!this.#exists(absolute)) return;
    this.#asEditor(name, () => this.#tree.removeSync(absolute, true));
  }

  /** Renames a file or folder. Refuses to replace another. */
  rename(path: string, to: string): void {
    const from = this.#checked(path, false);
    const target = this.#checked(to, true);
    const name = relative(from);
    if (from === target) return;
    if (!this.#exists(from)) throw new AcademyError('file/name', `There is no file "${name}".`);
    if (this.#exists(target)) throw new AcademyError('file/name', `There is a file "${relative(target)}" already.`);
    this.#asEditor(name, () => {
      const folder = target.slice(0, target.lastIndexOf('/'));
      if (folder !== HOME) this.#tree.mkdirSync(folder, true);
      this.#tree.moveSync(from, target);
    });
  }

  /** Tells at once what waits to be told. */
  flush(): void {
    for (const path of [...this.#pending.keys()]) this.#tell(path);
  }

  #exists(absolute: string): boolean {
    try {
      return this.#tree.find(absolute, false).node !== undefined;
    } catch {
      return false;
    }
  }

  #freeName(name: string): string {
    for (let n = 1; ; n++) {
      const candidate = n === 1 ? name : `${name}-${n}`;
      if (!this.#exists(`${HOME}/${candidate}`)) return candidate;
    }
  }

  /** The absolute path of a name from the editor. A name that is new must be a plain one. */
  #checked(path: string, mayBeNew: boolean): string {
    const given = path.startsWith(`${HOME}/`) ? path.slice(HOME.length + 1) : path;
    const parts = given.split('/');
    const bad =
      given === '' ||
      given.length > 200 ||
      given.includes('\0') ||
      parts.length > DEEPEST ||
      parts.some((part) => part === '' || part === '.' || part === '..' || Buffer.byteLength(part) > 255);
    const absolute = normalize(`${HOME}/${given}`);
    const plain = parts.every((part) => /^[\w.@+-]+$/.test(part));
    if (bad || (mayBeNew && !plain && !this.#exists(absolute)))
      throw new AcademyError('file/name', `"${given.slice(0, 80)}" can't be the name of a file.`);
    return absolute;
  }

  #asEditor(name: string, work: () => void): void {
    this.#byEditor = true;
    try {
      work();
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === 'ENOSPC' || code === 'EFBIG')
        throw new AcademyError('file/too-large', `There is no room for "${name}": the disk is full.`, {
          hint: 'All files together may hold 64 MiB. Remove some.',
        });
      if (code) throw new AcademyError('file/name', `"${name}" can't be changed: ${messageOf(error)}.`);
      throw error;
    } finally {
      this.#byEditor = false;
    }
  }

  #changed(path: string, _content: Uint8Array | null): void {
    if (!isWithin(path, HOME)) return;
    const name = relative(path);
    const version = ++this.#version;
    const byProgram = this.#byEditor ? (this.#known.get(name)?.byProgram ?? 0) : version;
    this.#known.set(name, { version, byProgram });
    if (this.#byEditor) return this.#tell(name);
    const now = this.#clock.now();
    const before = this.#pending.get(name);
    before?.timer.cancel();
    const since = before?.since ?? now;
    const wait = Math.max(0, Math.min(QUIET_MS, since + LONGEST_WAIT_MS - now));
    this.#pending.set(name, { since, timer: this.#clock.setTimeout(() => this.#tell(name), wait) });
  }

  #tell(name: string): void {
    this.#pending.get(name)?.timer.cancel();
    this.#pending.delete(name);
    const content = this.#tree.bytesOf(`${HOME}/${name}`) ?? null;
    this.#onFile(name, content, this.#known.get(name)?.version ?? 1);
  }
}

const relative = (absolute: string): string => absolute.slice(HOME.length + 1);

/** The text of a file's bytes; undefined when they are not UTF-8 text. */
export function textOf(content: Uint8Array): string | undefined {
  if (content.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}
