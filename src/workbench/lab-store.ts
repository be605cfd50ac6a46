import { Emitter } from '#base/events.ts';
import type { CertificatesView, ClusterEvent, Matrix, Traffic } from '#schema/evidence.ts';
import type { Observed } from '#schema/observation.ts';
import type {
  ApiErrorBody,
  ClientMessage,
  FileView,
  ServerMessage,
  SessionView,
  StepView,
  TaskView,
} from '#schema/protocol.ts';

export type ViewName = 'certificates' | 'policy' | 'traffic' | 'events';
export type Edit = Extract<ServerMessage, { type: 'edit' }>;
export type Notice = Extract<ServerMessage, { type: 'notice' }>;

/** What happened, by the part of the page it concerns. */
export interface LabEvents extends Record<string, unknown> {
  session: SessionView;
  /** One task's state or hints changed; `before` is undefined when it is heard of for the first time. */
  task: { task: TaskView; before: TaskView | undefined };
  files: undefined;
  /** `content` null: removed. */
  file: { path: string; content: string | null; version: number };
  edit: Edit;
  editCancelled: string;
  solution: { markdown: string; script: string };
  view: ViewName;
  /** The values that the text shows. */
  observed: undefined;
  notice: Notice;
  error: ApiErrorBody;
}

export interface Views {
  certificates?: CertificatesView;
  policy?: { task: string; matrix: Matrix }[];
  traffic?: Traffic;
  events?: ClusterEvent[];
}

/** Everything this page knows of its session, in one place; the prose, the rail and the panes all draw from it. */
export class LabStore {
  readonly events = new Emitter<LabEvents>();
  readonly files = new Map<string, FileView>();
  readonly views: Views = {};
  /** The newest value of each observation, by its key. */
  readonly observed = new Map<string, Observed['value']>();
  session: SessionView;
  /** Whose certificates and events are shown, where there are several clusters; undefined: the main one's. */
  #cluster: string | undefined;
  /** Server's clock minus this machine's, ms. */
  skewMs = 0;
  /** Longest time seen between now and the idle end: what activity sets it back to. */
  #idleMs = 0;

  constructor(session: SessionView) {
    this.session = session;
    this.#idleMs = Math.max(0, session.endsAt - Date.now());
  }

  get tasks(): TaskView[] {
    return this.session.tasks;
  }

  /** Names of the lab's clusters, the main one first; empty where there is only one. */
  get clusters(): string[] {
    return this.session.clusters ?? [];
  }
  get cluster(): string | undefined {
    return this.#cluster ?? this.clusters[0];
  }

  /** Shows another cluster's certificates and events. What was drawn of the other one is not true of this. */
  chooseCluster(name: string): void {
    this.#cluster = name;
    for (const view of ['certificates', 'events'] as const) {
      delete this.views[view];
      this.events.emit('view', view);
    }
  }

  accept(message: ServerMessage): void {
    switch (message.type) {
      case 'session':
        return this.#setSession(message.session);
      case 'step':
        return this.#setSession({ ...this.session, steps: withStep(this.session.steps, message.step) });
      case 'task':
        return this.#setTask(message.task, message.points);
      case 'files':
        this.files.clear();
        for (const file of message.files) this.files.set(file.path, file);
        return this.events.emit('files', undefined);
      case 'file':
        if (message.content === null) this.files.delete(message.path);
        else this.files.set(message.path, { ...message, content: message.content });
        return this.events.emit('file', message);
      case 'edit':
        return this.events.emit('edit', message);
      case 'edit.cancelled':
        return this.events.emit('editCancelled', message.id);
      case 'solution':
        return this.events.emit('solution', message);
      case 'view.certificates':
        if (message.cluster !== this.cluster) return;
        this.views.certificates = message.view;
        return this.events.emit('view', 'certificates');
      case 'view.policy':
        this.views.policy = message.matrices;
        return this.events.emit('view', 'policy');
      case 'view.traffic':
        this.views.traffic = message.traffic;
        return this.events.emit('view', 'traffic');
      case 'view.events':
        if (message.cluster !== this.cluster) return;
        this.views.events = message.events;
        return this.events.emit('view', 'events');
      case 'view.observed':
        for (const { key, value } of message.values) this.observed.set(key, value);
        return this.events.emit('observed', undefined);
      case 'notice':
        if (message.endsAt !== undefined) this.session = { ...this.session, endsAt: message.endsAt };
        return this.events.emit('notice', message);
      case 'error':
        return this.events.emit('error', message.error);
      case 'pong':
        this.skewMs = message.at - Date.now();
    }
  }

  /** The learner did something: the server has moved the idle end. */
  active(message: ClientMessage): void {
    if (message.type === 'ping' || message.type === 'hello') return;
    this.session = { ...this.session, endsAt: Math.max(this.session.endsAt, this.now() + this.#idleMs) };
  }

  /** A new cluster: what was drawn of the old one is no longer true. */
  forgetViews(): void {
    for (const name of Object.keys(this.views) as ViewName[]) {
      delete this.views[name];
      this.events.emit('view', name);
    }
    this.observed.clear();
    this.events.emit('observed', undefined);
  }

  /** The server's wall clock, ms since the epoch. */
  now(): number {
    return Date.now() + this.skewMs;
  }

  /** The cluster's clock, ms since the epoch. */
  clusterNow(): number {
    return this.now() + this.session.clockAheadMs;
  }

  #setSession(session: SessionView): void {
    const before = new Map(this.session.tasks.map((task) => [task.id, task]));
    this.session = session;
    this.#idleMs = Math.max(this.#idleMs, session.endsAt - this.now());
    this.events.emit('session', session);
    for (const task of session.tasks) {
      const old = before.get(task.id);
      if (!old || JSON.stringify(old) !== JSON.stringify(task)) this.events.emit('task', { task, before: old });
    }
  }

  #setTask(task: TaskView, points: SessionView['points']): void {
    const before = this.session.tasks.find(({ id }) => id === task.id);
    const tasks = this.session.tasks.map((old) => (old.id === task.id ? task : old));
    this.session = { ...this.session, tasks, points };
    this.events.emit('task', { task, before });
  }
}

function withStep(steps: StepView[], step: StepView): StepView[] {
  return steps.some((old) => old.step === step.step)
    ? steps.map((old) => (old.step === step.step ? step : old))
    : [...steps, step];
}
