import { z } from 'zod';
import { certificatesView, clusterEvent, matrix, traffic } from './evidence.ts';
import { MAX_OBSERVATIONS, observation, observed } from './observation.ts';
import { verdict } from './verdict.ts';

/**
 * What the browser and the server say to each other. A learner is a random 128-bit id in an http-only cookie; a learner
 * has at most one session a lab, so that no id appears in an address.
 *
 * REST (JSON, same origin only):
 *   GET    /api/academy                    → academyInfo
 *   GET    /api/progress                   → { labs: { [lab]: labProgress } }
 *   POST   /api/labs/:lab/session[?driver=] → sessionView          starts, or returns the one that lives
 *   GET    /api/labs/:lab/session          → sessionView | 404
 *   DELETE /api/labs/:lab/session          → 204
 *   GET    /api/labs/:lab/kubeconfig       → text/yaml             for the learner's own kubectl
 *   GET    /api/labs/:lab/files.tar        → application/x-tar     download my files
 * WebSocket /api/labs/:lab/ws              JSON text frames, below. Errors over REST: { error: apiError }.
 */
export const apiError = z.object({ code: z.string(), message: z.string(), hint: z.string() });
export type ApiErrorBody = z.infer<typeof apiError>;

export const academyInfo = z.object({
  version: z.string(),
  driver: z.object({
    name: z.enum(['embedded', 'kind']),
    why: z.string(),
    available: z.array(z.enum(['embedded', 'kind'])),
  }),
  labs: z.array(z.string()),
});
export type AcademyInfo = z.infer<typeof academyInfo>;

export const stepView = z.object({
  step: z.string(),
  title: z.string(),
  state: z.enum(['started', 'done', 'failed', 'skipped']),
  at: z.number(),
  tookMs: z.number().optional(),
  usualMs: z.number().optional(),
  message: z.string().optional(),
});
export type StepView = z.infer<typeof stepView>;

export const sessionState = z.enum(['queued', 'starting', 'ready', 'rebuilding', 'ended', 'failed']);
export type SessionState = z.infer<typeof sessionState>;

export const taskView = z.object({
  id: z.string(),
  title: z.string(),
  points: z.number(),
  mode: z.enum(['once', 'hold', 'invariant']),
  needs: z.array(z.string()),
  hintsTotal: z.number(),
  /** The hints taken so far, in order. */
  hintsShown: z.array(z.string()),
  /** The question that this task puts to the learner. What is right stays with the server. */
  asks: z.object({ answer: z.string(), question: z.string(), options: z.array(z.string()).optional() }).optional(),
  verdict: verdict.optional(),
});
export type TaskView = z.infer<typeof taskView>;

export const sessionView = z.object({
  lab: z.string(),
  title: z.string(),
  state: sessionState,
  driver: z.enum(['embedded', 'kind']),
  /** Why this driver was chosen. */
  driverWhy: z.string(),
  /** What the lab and this academy allow, this driver included; absent when there is nothing to choose. */
  choices: z.array(z.enum(['embedded', 'kind'])).optional(),
  steps: z.array(stepView),
  tasks: z.array(taskView),
  points: z.object({ got: z.number(), of: z.number() }),
  createdAt: z.number(),
  /** When an idle session ends, ms since the epoch; moves with activity. */
  endsAt: z.number(),
  /** Clock of the cluster minus the wall's, ms. */
  clockAheadMs: z.number(),
  clockMovable: z.boolean(),
  /** Names of the lab's clusters, the main one first; absent where there is only one. */
  clusters: z.array(z.string()).optional(),
  /** Set after a restart of the server: what came back and what did not, in words. */
  rebuilt: z.string().optional(),
  queue: z.object({ place: z.number(), estimateMs: z.number().optional() }).optional(),
  error: apiError.optional(),
});
export type SessionView = z.infer<typeof sessionView>;

export const labProgress = z.object({
  points: z.object({ got: z.number(), of: z.number() }),
  passed: z.array(z.string()),
  completedAt: z.number().optional(),
});
export type LabProgress = z.infer<typeof labProgress>;

const path = z.string().min(1).max(200);
const terminal = z.string().regex(/^[a-z0-9-]{1,32}$/);

/** Largest WebSocket frame a client may send, bytes. A longer paste is cut into several by the client. */
export const MAX_FRAME_BYTES = 256 * 1024;
/** Largest file of a learner, bytes. */
export const MAX_FILE_BYTES = 1024 * 1024;

export const clientMessage = z.discriminatedUnion('type', [
  /** First message on a connection. `since`: output offsets the client already has, per terminal. `page`: a name that
   *  the page keeps over its connections, so that numbered input is taken exactly once. */
  z.strictObject({
    type: z.literal('hello'),
    since: z.record(z.string(), z.number()).default({}),
    page: z
      .string()
      .regex(/^[A-Za-z0-9_-]{8,40}$/)
      .optional(),
  }),
  z.strictObject({
    type: z.literal('terminal.open'),
    terminal,
    columns: z.number().int().min(2).max(1000),
    rows: z.number().int().min(2).max(500),
  }),
  /** `n` counts up over all input of a page; what the server has already is not typed again. */
  z.strictObject({
    type: z.literal('terminal.input'),
    terminal,
    data: z.string().max(64 * 1024),
    n: z.number().int().positive().optional(),
  }),
  z.strictObject({
    type: z.literal('terminal.resize'),
    terminal,
    columns: z.number().int().min(2).max(1000),
    rows: z.number().int().min(2).max(500),
  }),
  z.strictObject({ type: z.literal('terminal.close'), terminal }),
  z.strictObject({ type: z.literal('file.write'), path, content: z.string(), baseVersion: z.number().optional() }),
  z.strictObject({ type: z.literal('file.delete'), path }),
  z.strictObject({ type: z.literal('file.rename'), path, to: path }),
  /** The editor pane closed a file that a program waits for; `content` null means given up. */
  z.strictObject({ type: z.literal('edit.done'), id: z.string(), content: z.string().nullable() }),
  z.strictObject({ type: z.literal('hint.next'), task: z.string() }),
  z.strictObject({ type: z.literal('solution.show') }),
  z.strictObject({ type: z.literal('answer.submit'), answer: z.string(), value: z.string().max(2000) }),
  /** A fresh cluster; `driver`: of this kind from now on, one of the session's `choices`. */
  z.strictObject({ type: z.literal('session.reset'), driver: z.enum(['embedded', 'kind']).optional() }),
  z.strictObject({ type: z.literal('session.extend') }),
  z.strictObject({ type: z.literal('session.end') }),
  z.strictObject({
    type: z.literal('clock.advance'),
    ms: z
      .number()
      .positive()
      .max(10 * 365 * 86_400_000),
  }),
  /** Which views are open, and which values the text shows; the server only sends what is looked at. */
  z.strictObject({
    type: z.literal('views.watch'),
    views: z.array(z.enum(['certificates', 'policy', 'traffic', 'events', 'mesh'])),
    observe: z.array(observation).max(MAX_OBSERVATIONS).default([]),
    /** Whose certificates and events, in a lab with several clusters; the main one's when empty. */
    clusters: z.array(z.string().max(40)).max(4).default([]),
  }),
  z.strictObject({ type: z.literal('ping') }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;

export const fileView = z.object({ path: z.string(), content: z.string(), version: z.number() });
export type FileView = z.infer<typeof fileView>;

export const serverMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('session'), session: sessionView }),
  z.object({ type: z.literal('step'), step: stepView }),
  /** `offset` is the position of the first character of `data` in all this terminal ever printed (UTF-16 units).
   *  `reset` true: forget what you have, this is a replay from the oldest kept output. */
  z.object({
    type: z.literal('terminal.output'),
    terminal: z.string(),
    offset: z.number(),
    data: z.string(),
    reset: z.boolean().optional(),
  }),
  z.object({ type: z.literal('terminal.opened'), terminal: z.string() }),
  z.object({ type: z.literal('terminal.closed'), terminal: z.string() }),
  z.object({ type: z.literal('task'), task: taskView, points: z.object({ got: z.number(), of: z.number() }) }),
  z.object({ type: z.literal('files'), files: z.array(fileView) }),
  /** `content` null: removed. */
  z.object({ type: z.literal('file'), path: z.string(), content: z.string().nullable(), version: z.number() }),
  /** A program (`kubectl edit`, $EDITOR) wants this text edited; answer with edit.done. */
  z.object({ type: z.literal('edit'), id: z.string(), path: z.string(), content: z.string() }),
  z.object({ type: z.literal('edit.cancelled'), id: z.string() }),
  z.object({ type: z.literal('solution'), markdown: z.string(), script: z.string() }),
  z.object({ type: z.literal('answer'), answer: z.string(), correct: z.boolean(), say: z.string() }),
  /** `cluster`: whose it is, in a lab with several. */
  z.object({ type: z.literal('view.certificates'), view: certificatesView, cluster: z.string().optional() }),
  z.object({ type: z.literal('view.policy'), matrices: z.array(z.object({ task: z.string(), matrix })) }),
  z.object({ type: z.literal('view.traffic'), traffic }),
  z.object({ type: z.literal('view.events'), events: z.array(clusterEvent), cluster: z.string().optional() }),
  z.object({ type: z.literal('view.observed'), values: z.array(observed) }),
  /** The idle warning, and anything else worth a line. */
  z.object({
    type: z.literal('notice'),
    level: z.enum(['info', 'warning', 'error']),
    text: z.string(),
    endsAt: z.number().optional(),
  }),
  z.object({ type: z.literal('error'), error: apiError }),
  /** `received`: number of the last input of this page that arrived. Everything sent before the ping was handled. */
  z.object({ type: z.literal('pong'), at: z.number(), received: z.number().optional() }),
]);
export type ServerMessage = z.infer<typeof serverMessage>;
