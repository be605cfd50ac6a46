import { createHash } from 'node:crypto';
import { AcademyError, messageOf } from '#base/errors.ts';
import { HOME, Workspace } from '#terminal/workspace.ts';
import type { Box, DeskEvents } from '../desk.ts';
import { bufferOf, nulTerminated } from './records.ts';

export interface BoxFilesOptions extends Pick<DeskEvents, 'onFile'> {
  box: Box;
  /** What the home is to hold, by path below it. */
  files: Record<string, Uint8Array>;
  onConflict(path: string, keptAs: string): void;
  /** A file that only the academy minds, e.g. the shell's history, was written. */
  onOwn(path: string, content: string): void;
}

const READ = '/usr/local/lib/academy/read';
const PUT = '/usr/local/lib/academy/put';
/** Written by the shells for themselves; no file of the editor. */
const HISTORY = '.bash_history';
const WRITE_WITHIN_MS = 20_000;

type Told = { path: string; content: Uint8Array | null };

/**
 * The learner's files in a box. A workspace in memory mirrors them: it knows names, limits and versions. What the editor does
 * goes through it into the box, what shells do comes from the box into it, each told once.
 */
export class BoxFiles {
  readonly #o: BoxFilesOptions;
  readonly #mirror: Workspace;
  /** Changes that the editor's present call makes. */
  #byEditor: Told[] | undefined;
  /** Writes into the box, one after the other. */
  #writing: Promise<void> = Promise.resolve();
  /** Whether a path came from the box and needs not go there. */
  readonly #inBox = new Map<string, string>();

  constructor(options: BoxFilesOptions) {
    this.#o = options;
    this.#mirror = new Workspace({
      files: options.files,
      onFile: (path, content, version) => {
        this.#byEditor?.push({ path, content });
        options.onFile(path, content, version);
      },
      onConflict: options.onConflict,
    });
  }

  write(path: string, content: string, baseVersion?: number): Promise<void> {
    return this.#edit(() => this.#mirror.write(path, content, baseVersion));
  }
  delete(path: string): Promise<void> {
    return this.#edit(() => this.#mirror.delete(path));
  }
  rename(path: string, to: string): Promise<void> {
    return this.#edit(() => this.#mirror.rename(path, to));
  }

  /** Puts the files, and `own`, into a home that nobody has used: of a new box, or of one that was started again. */
  async fill(own: Record<string, Uint8Array>): Promise<'fresh' | 'known'> {
    const files = Object.entries({ ...(await this.#all()), ...own });
    const records = files.map(([path, content]) => `${path}\0${Buffer.from(content).toString('base64')}\0`);
    const state = await this.#must([FILL], Buffer.from(records.join('')));
    if (state !== 'fresh') return 'known';
    for (const [path, content] of files) this.#inBox.set(path, sum(content));
    return 'fresh';
  }

  /** Takes in everything that is in the box, and forgets what is not there any more. */
  async readAll(): Promise<void> {
    await this.#writing;
    const found = await this.#read([HOME]);
    const present = new Set(found.keys());
    for (const path of Object.keys(await this.#all())) if (!present.has(path)) found.set(path, null);
    await this.#takeIn(found);
  }

  /** Takes in what the watcher named: absolute paths of files and folders that may have changed or gone. */
  async changed(paths: string[]): Promise<void> {
    await this.#writing;
    const found = await this.#read(paths);
    for (const [path, content] of [...found]) {
      // A folder that is gone took its files along.
      if (content !== null) continue;
      for (const known of Object.keys(await this.#all())) if (known.startsWith(`${path}/`)) found.set(known, null);
    }
    await this.#takeIn(found);
  }

  /** Whether something that the editor did is still on its way into the box. */
  get busy(): boolean {
    return this.#onTheirWay > 0;
  }
  #onTheirWay = 0;

  /** Resolves when what the editor did is in the box. */
  settled(): Promise<void> {
    return this.#writing;
  }

  stop(): void {
    this.#mirror.flush();
  }

  async #edit(work: () => void): Promise<void> {
    const told: Told[] = [];
    this.#byEditor = told;
    try {
      work();
    } finally {
      this.#byEditor = undefined;
    }
    const next = this.#writing.then(async () => {
      // Additions first: a renamed folder is never nowhere.
      for (const { path, content } of told) if (content) await this.#put(path, content);
      const gone = told.filter(({ content }) => content === null).map(({ path }) => `${HOME}/${path}`);
      if (gone.length > 0) await this.#must(['sh', '-c', REMOVE, 'sh', ...gone]);
    });
    this.#onTheirWay++;
    this.#writing = next
      .catch(() => {})
      .then(() => {
        this.#onTheirWay--;
      });
    return next;
  }

  async #put(path: string, content: Uint8Array): Promise<void> {
    const kept = await this.#must([PUT, `${HOME}/${path}`, this.#inBox.get(path) ?? 'none'], content);
    this.#inBox.set(path, sum(content));
    if (kept) this.#o.onConflict(path, kept.slice(HOME.length + 1));
  }

  async #takeIn(found: Map<string, Uint8Array | null>): Promise<void> {
    for (const [path, content] of found) {
      if (path === HISTORY) {
        if (content) this.#o.onOwn(path, Buffer.from(content).toString('utf8'));
        continue;
      }
      if (content) this.#inBox.set(path, sum(content));
      else this.#inBox.delete(path);
      const present = await this.#mirror.fs.readFileBuffer(`${HOME}/${path}`).catch(() => undefined);
      if (content === null ? present === undefined : present && Buffer.compare(present, content) === 0) continue;
      try {
        if (content === null) await this.#mirror.fs.rm(`${HOME}/${path}`, { recursive: true, force: true });
        else {
          const folder = path.slice(0, path.lastIndexOf('/') + 1);
          if (folder) await this.#mirror.fs.mkdir(`${HOME}/${folder}`, { recursive: true });
          await this.#mirror.fs.writeFile(`${HOME}/${path}`, content);
        }
      } catch {
        // More or larger files than the editor shows: they stay the box's own.
      }
    }
  }

  /** The text or bytes of files by path below the home; null for what is gone. What is no readable file is left out. */
  async #read(paths: string[]): Promise<Map<string, Uint8Array | null>> {
    const found = new Map<string, Uint8Array | null>();
    if (paths.length === 0) return found;
    const stream = await this.#o.box.stream([READ]);
    const output = bufferOf(stream);
    stream.end(Buffer.from(paths.map((path) => `${path}\0`).join('')));
    const records = nulTerminated(await output);
    for (let i = 0; i + 1 < records.length; i += 2) {
      const path = records[i]!;
      if (!path.startsWith(`${HOME}/`)) continue;
      const name = path.slice(HOME.length + 1);
      const content = records[i + 1]!;
      if (content === '-') found.set(name, null);
      else if (content !== '!') found.set(name, Buffer.from(content, 'base64'));
    }
    return found;
  }

  async #all(): Promise<Record<string, Uint8Array>> {
    const files: Record<string, Uint8Array> = {};
    for (const path of this.#mirror.fs.getAllPaths()) {
      if (!path.startsWith(`${HOME}/`)) continue;
      const stat = await this.#mirror.fs.stat(path);
      if (stat.isFile) files[path.slice(HOME.length + 1)] = await this.#mirror.fs.readFileBuffer(path);
    }
    return files;
  }

  async #must(command: string[], stdin?: Uint8Array): Promise<string> {
    let result: { code: number; stdout: string; stderr: string };
    try {
      result = await this.#o.box.run(command, { timeoutMs: WRITE_WITHIN_MS, ...(stdin ? { stdin } : {}) });
    } catch (error) {
      throw new AcademyError('driver/failed', `The file could not be written beside the cluster: ${messageOf(error)}`, {
        cause: error,
      });
    }
    const { code, stdout, stderr } = result;
    if (code === 0) return stdout;
    if (/No space left/.test(stderr))
      throw new AcademyError('file/too-large', 'The disk of your lab terminal is full.', {
        hint: 'All files together may hold 64 MiB. Remove some.',
      });
    throw new AcademyError('file/name', `The file could not be written: ${stderr.trim().split('\n').at(-1) ?? ''}`);
  }
}

const FILL = '/usr/local/lib/academy/fill';
/** Removes files and the folders that they leave empty. */
const REMOVE =
  'for f; do rm -rf -- "$f" && { cd "$HOME" && rmdir -p -- "$(dirname "${f#"$HOME"/}")" 2>/dev/null || :; }; done';

const sum = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
