import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DriverName } from '#cluster/driver.ts';
import { MIGRATIONS } from './migrations.ts';

export interface StoredSession {
  learner: string;
  lab: string;
  driver: DriverName;
  createdAt: number;
  endsAt: number;
  state: 'live' | 'ended';
  snapshot: Uint8Array | undefined;
  /** Hints taken, task id to their texts. */
  hints: Record<string, string[]>;
}

/** Lines of command history kept for each learner and lab. */
const HISTORY_LINES = 1000;

/**
 * What outlives the server: learners, their sessions, files, command history, progress and answers. Every write is one
 * committed statement, so that kill -9 loses nothing that was acknowledged. SQLite in WAL mode, one writer: this process.
 */
export class Store {
  readonly #db: DatabaseSync;

  constructor(dataDir: string) {
    if (dataDir !== ':memory:') mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    this.#db = new DatabaseSync(dataDir === ':memory:' ? ':memory:' : join(dataDir, 'academy.sqlite'));
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;');
    this.#migrate();
  }

  #migrate(): void {
    const { user_version: done } = this.#db.prepare('PRAGMA user_version').get() as { user_version: number };
    for (let i = done; i < MIGRATIONS.length; i++) {
      this.#db.exec(`BEGIN; ${MIGRATIONS[i]}; PRAGMA user_version = ${i + 1}; COMMIT;`);
    }
  }

  close(): void {
    this.#db.close();
  }

  addLearner(id: string, now: number): void {
    this.#db.prepare('INSERT INTO learner (id, created_at) VALUES (?, ?)').run(id, now);
  }

  hasLearner(id: string): boolean {
    return this.#db.prepare('SELECT 1 FROM learner WHERE id = ?').get(id) !== undefined;
  }

  putSession(s: Pick<StoredSession, 'learner' | 'lab' | 'driver' | 'createdAt' | 'endsAt'>): void {
    this.#db
      .prepare(
        `INSERT INTO session (learner, lab, driver, created_at, ends_at, state) VALUES (?, ?, ?, ?, ?, 'live')
         ON CONFLICT (learner, lab) DO UPDATE SET driver = excluded.driver, created_at = excluded.created_at,
           ends_at = excluded.ends_at, state = 'live', snapshot = NULL, snapshot_at = NULL, hints = '{}'`,
      )
      .run(s.learner, s.lab, s.driver, s.createdAt, s.endsAt);
  }

  session(learner: string, lab: string): StoredSession | undefined {
    const row = this.#db.prepare('SELECT * FROM session WHERE learner = ? AND lab = ?').get(learner, lab) as
      | Record<string, unknown>
      | undefined;
    return row && toSession(row);
  }

  liveSessions(): StoredSession[] {
    const rows = this.#db.prepare("SELECT * FROM session WHERE state = 'live'").all() as Record<string, unknown>[];
    return rows.map(toSession);
  }

  touchSession(learner: string, lab: string, endsAt: number): void {
    this.#db.prepare('UPDATE session SET ends_at = ? WHERE learner = ? AND lab = ?').run(endsAt, learner, lab);
  }

  endSession(learner: string, lab: string): void {
    this.#db
      .prepare("UPDATE session SET state = 'ended', snapshot = NULL WHERE learner = ? AND lab = ?")
      .run(learner, lab);
  }

  saveSnapshot(learner: string, lab: string, snapshot: Uint8Array, now: number): void {
    this.#db
      .prepare('UPDATE session SET snapshot = ?, snapshot_at = ? WHERE learner = ? AND lab = ?')
      .run(snapshot, now, learner, lab);
  }

  saveHints(learner: string, lab: string, hints: Record<string, string[]>): void {
    this.#db
      .prepare('UPDATE session SET hints = ? WHERE learner = ? AND lab = ?')
      .run(JSON.stringify(hints), learner, lab);
  }

  files(learner: string, lab: string): Record<string, Uint8Array> {
    const rows = this.#db.prepare('SELECT path, content FROM file WHERE learner = ? AND lab = ?').all(learner, lab);
    return Object.fromEntries(rows.map((row) => [String(row.path), row.content as Uint8Array]));
  }

  saveFile(learner: string, lab: string, path: string, content: Uint8Array | null): void {
    if (content === null) {
      this.#db.prepare('DELETE FROM file WHERE learner = ? AND lab = ? AND path = ?').run(learner, lab, path);
      return;
    }
    this.#db
      .prepare(
        `INSERT INTO file (learner, lab, path, content) VALUES (?, ?, ?, ?)
         ON CONFLICT (learner, lab, path) DO UPDATE SET content = excluded.content`,
      )
      .run(learner, lab, path, content);
  }

  clearFiles(learner: string, lab: string): void {
    this.#db.prepare('DELETE FROM file WHERE learner = ? AND lab = ?').run(learner, lab);
  }

  history(learner: string, lab: string): string[] {
    const rows = this.#db
      .prepare('SELECT line FROM history WHERE learner = ? AND lab = ? ORDER BY id DESC LIMIT ?')
      .all(learner, lab, HISTORY_LINES);
    return rows.map((row) => String(row.line)).reverse();
  }

  addHistory(learner: string, lab: string, line: string): void {
    this.#db.prepare('INSERT INTO history (learner, lab, line) VALUES (?, ?, ?)').run(learner, lab, line);
    this.#db
      .prepare(
        `DELETE FROM history WHERE learner = ? AND lab = ? AND id <=
           (SELECT id FROM history WHERE learner = ? AND lab = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      )
      .run(learner, lab, learner, lab, HISTORY_LINES);
  }

  addPassed(learner: string, lab: string, task: string, points: number, said: string, now: number): void {
    this.#db
      .prepare(
        `INSERT INTO progress (learner, lab, task, points, passed_at, said) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (learner, lab, task) DO NOTHING`,
      )
      .run(learner, lab, task, points, now, said);
  }

  progress(learner: string): { lab: string; task: string; points: number; passedAt: number }[] {
    const rows = this.#db
      .prepare('SELECT lab, task, points, passed_at FROM progress WHERE learner = ? ORDER BY passed_at')
      .all(learner);
    return rows.map((row) => ({
      lab: String(row.lab),
      task: String(row.task),
      points: Number(row.points),
      passedAt: Number(row.passed_at),
    }));
  }

  saveAnswer(learner: string, lab: string, answer: string, value: string, correct: boolean, now: number): void {
    this.#db
      .prepare(
        `INSERT INTO answer (learner, lab, answer, value, correct, at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (learner, lab, answer) DO UPDATE SET value = excluded.value, correct = excluded.correct, at = excluded.at`,
      )
      .run(learner, lab, answer, value, correct ? 1 : 0, now);
  }
}

function toSession(row: Record<string, unknown>): StoredSession {
  return {
    learner: String(row.learner),
    lab: String(row.lab),
    driver: row.driver as DriverName,
    createdAt: Number(row.created_at),
    endsAt: Number(row.ends_at),
    state: row.state as 'live' | 'ended',
    snapshot: (row.snapshot as Uint8Array | null) ?? undefined,
    hints: JSON.parse(String(row.hints)) as Record<string, string[]>,
  };
}
