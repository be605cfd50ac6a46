import type { Clock, Timer } from '#base/clock.ts';
import type { FileView } from '#schema/protocol.ts';

/** One open file: what the editor shows against what the session holds. */
interface Doc {
  path: string;
  text: string;
  /** What the session was last known to hold, and its version there. */
  base: string;
  version: number | undefined;
  /** Sent, and not yet heard back. */
  pending: string | undefined;
  conflict: { content: string | null; version: number } | undefined;
  timer: Timer | undefined;
}

export type SaveState = 'saved' | 'saving' | 'unsaved' | 'conflict';

export interface FileSyncOptions {
  clock: Clock;
  /** Sends a write; false when there is no line to the session now. */
  write(path: string, content: string, baseVersion: number | undefined): boolean;
  /** The session's text replaces the editor's. */
  onText(path: string, text: string): void;
  onState(path: string): void;
  /** The file is gone, and nothing of ours was in it. */
  onRemoved(path: string): void;
}

const QUIET_MS = 350;

/**
 * Keeps the editor and the session's files the same. Edits are saved by themselves a moment after the last key; a
 * change that comes from the shell meanwhile is never overwritten and never overwrites: both are kept until the learner
 * says which one stays.
 */
export class FileSync {
  readonly #docs = new Map<string, Doc>();
  readonly #o: FileSyncOptions;

  constructor(options: FileSyncOptions) {
    this.#o = options;
  }

  open(file: FileView): string {
    const known = this.#docs.get(file.path);
    if (known) return known.text;
    this.#docs.set(file.path, {
      path: file.path,
      text: file.content,
      base: file.content,
      version: file.version,
      pending: undefined,
      conflict: undefined,
      timer: undefined,
    });
    return file.content;
  }

  /** Forgets a file; what was not saved yet is saved first. */
  close(path: string): void {
    this.flush(path);
    this.#docs.get(path)?.timer?.cancel();
    this.#docs.delete(path);
  }

  forget(path: string): void {
    this.#docs.get(path)?.timer?.cancel();
    this.#docs.delete(path);
  }

  has(path: string): boolean {
    return this.#docs.has(path);
  }
  textOf(path: string): string | undefined {
    return this.#docs.get(path)?.text;
  }
  conflictOf(path: string): { content: string | null; version: number } | undefined {
    return this.#docs.get(path)?.conflict;
  }

  stateOf(path: string): SaveState {
    const doc = this.#docs.get(path);
    if (!doc) return 'saved';
    if (doc.conflict) return 'conflict';
    if (doc.pending !== undefined) return 'saving';
    return doc.text === doc.base ? 'saved' : 'unsaved';
  }

  edited(path: string, text: string): void {
    const doc = this.#docs.get(path);
    if (!doc || doc.text === text) return;
    doc.text = text;
    doc.timer?.cancel();
    if (!doc.conflict) doc.timer = this.#o.clock.setTimeout(() => this.flush(path), QUIET_MS);
    this.#o.onState(path);
  }

  /** Saves now what is not saved. */
  flush(path: string): void {
    const doc = this.#docs.get(path);
    if (!doc || doc.conflict || doc.pending !== undefined || doc.text === doc.base) return;
    doc.timer?.cancel();
    if (this.#o.write(path, doc.text, doc.version)) doc.pending = doc.text;
    this.#o.onState(path);
  }

  flushAll(): void {
    for (const path of this.#docs.keys()) this.flush(path);
  }

  /** The session says what a file holds now; null: it was removed. */
  remote(path: string, content: string | null, version: number): void {
    const doc = this.#docs.get(path);
    if (!doc) return;
    const ours = doc.pending !== undefined && content === doc.pending;
    const clean = doc.text === doc.base && doc.pending === undefined;
    if (content === null) {
      doc.pending = undefined;
      if (clean) {
        this.forget(path);
        return this.#o.onRemoved(path);
      }
      doc.conflict = { content, version };
    } else if (ours || content === doc.text) {
      doc.base = content;
      doc.version = version;
      doc.pending = undefined;
      doc.conflict = undefined;
      if (doc.text !== doc.base) this.flush(path);
    } else if (clean || doc.text === doc.base) {
      this.#take(doc, content, version);
    } else {
      doc.pending = undefined;
      doc.timer?.cancel();
      doc.conflict = { content, version };
    }
    this.#o.onState(path);
  }

  /** After a line came back: the whole list is new, and what was on its way may or may not have arrived. */
  reconnected(files: ReadonlyMap<string, FileView>): void {
    for (const doc of [...this.#docs.values()]) {
      const file = files.get(doc.path);
      const unchanged = file !== undefined && file.content === doc.base;
      if (unchanged) {
        doc.version = file.version;
        doc.pending = undefined;
        doc.conflict = undefined;
        this.flush(doc.path);
        this.#o.onState(doc.path);
      } else this.remote(doc.path, file?.content ?? null, file?.version ?? 0);
    }
  }

  /** A write was refused: it is not on its way any more. */
  refused(path: string): void {
    const doc = this.#docs.get(path);
    if (!doc || doc.pending === undefined) return;
    doc.pending = undefined;
    this.#o.onState(path);
  }

  keepMine(path: string): void {
    const doc = this.#docs.get(path);
    if (!doc?.conflict) return;
    doc.base = doc.conflict.content ?? '';
    doc.version = doc.conflict.content === null ? undefined : doc.conflict.version;
    doc.conflict = undefined;
    if (doc.text === doc.base && doc.version !== undefined) return this.#o.onState(path);
    if (this.#o.write(path, doc.text, doc.version)) doc.pending = doc.text;
    this.#o.onState(path);
  }

  takeTheirs(path: string): void {
    const doc = this.#docs.get(path);
    if (!doc?.conflict) return;
    const { content, version } = doc.conflict;
    doc.conflict = undefined;
    if (content === null) {
      this.forget(path);
      return this.#o.onRemoved(path);
    }
    this.#take(doc, content, version);
    this.#o.onState(path);
  }

  #take(doc: Doc, content: string, version: number): void {
    doc.text = content;
    doc.base = content;
    doc.version = version;
    doc.conflict = undefined;
    this.#o.onText(doc.path, content);
  }
}
