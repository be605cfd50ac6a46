/** Schema changes in order; the index of the last one applied is SQLite's `user_version`. Never edit one that shipped. */
export const MIGRATIONS: string[] = [
  `
  CREATE TABLE learner (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE session (
    learner TEXT NOT NULL REFERENCES learner(id),
    lab TEXT NOT NULL,
    driver TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    snapshot BLOB,
    snapshot_at INTEGER,
    hints TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (learner, lab)
  ) STRICT;

  CREATE TABLE file (
    learner TEXT NOT NULL,
    lab TEXT NOT NULL,
    path TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (learner, lab, path)
  ) STRICT;

  CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    learner TEXT NOT NULL,
    lab TEXT NOT NULL,
    line TEXT NOT NULL
  ) STRICT;
  CREATE INDEX history_of ON history (learner, lab, id);

  CREATE TABLE progress (
    learner TEXT NOT NULL,
    lab TEXT NOT NULL,
    task TEXT NOT NULL,
    points INTEGER NOT NULL,
    passed_at INTEGER NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (learner, lab, task)
  ) STRICT;

  CREATE TABLE answer (
    learner TEXT NOT NULL,
    lab TEXT NOT NULL,
    answer TEXT NOT NULL,
    value TEXT NOT NULL,
    correct INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (learner, lab, answer)
  ) STRICT;
  `,
];
