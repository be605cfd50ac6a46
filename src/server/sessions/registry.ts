import { mkdtempSync, rmSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Timer } from '#base/clock.ts';
import { AcademyError } from '#base/errors.ts';
import { secretId } from '#base/ids.ts';
import type { Log } from '#base/log.ts';
import type { DriverName } from '#cluster/driver.ts';
import type { Lab } from '#schema/lab.ts';
import { clusterName, type Drivers } from '../drivers.ts';
import type { Settings } from '../settings.ts';
import type { Store } from '../store/store.ts';
import { Capacity } from './capacity.ts';
import type { ClusterAccess, SessionAccess } from './channel.ts';
import type { LabSource } from './lab-source.ts';
import { Session } from './session.ts';
import type { ChosenDriver } from './session-view.ts';
import { SessionWorker } from './session-worker.ts';

export interface RegistryOptions {
  settings: Settings;
  store: Store;
  labs: LabSource;
  clock: Clock;
  log: Log;
  drivers: Drivers;
  /** The worker's code: the bundle, or its source when it was not built. */
  workerEntry: URL;
  /** Where the Kubernetes API is reached from outside; `path` is added by the manager. */
  api: { url: string; ca: string };
  /** Memory that could be used where the Docker Engine runs, bytes; undefined: not known. Default: as this host says. */
  freeBytes?(): number | undefined;
  /** Workers kept loaded and waiting, so that a lab starts at once. */
  warmWorkers?: number;
}

/** How long a page can still be told how its session ended; then its scrollback and views are forgotten. */
const SHOWN_AFTER_END_MS = 10 * 60_000;

/** What a request to the Kubernetes listener is routed by. */
export interface ClusterRoute {
  socketPath: string;
  token: string;
}

/** Workers kept loaded and waiting: one for whoever comes now, one for whoever comes while the next is loading. */
const WARM_WORKERS = 2;
/** How often the queue is looked at while somebody waits. */
const LOOK_AGAIN_MS = 5_000;

/** All sessions of this server: finds, starts, queues, ends and brings back. One session a learner and lab. */
export class SessionRegistry {
  readonly #o: RegistryOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #routes = new Map<string, ClusterRoute>();
  readonly #routesOf = new WeakMap<Session, string[]>();
  readonly #queue: Session[] = [];
  readonly #warm: SessionWorker[] = [];
  readonly #socketDir: string;
  readonly #capacity: Capacity;
  #queueTimer: Timer | undefined;
  #closed = false;

  constructor(options: RegistryOptions) {
    this.#o = options;
    const { maxSessions } = options.settings;
    this.#capacity = new Capacity({ maxSessions, freeBytes: options.freeBytes ?? freeMemory });
    this.#socketDir = mkdtempSync(join(tmpdir(), 'academy-'));
    this.#forgetExpired();
    this.#refillWarm();
  }

  /** The learner's session in a lab, started if there is none. Rejects with `lab/unknown` or `lab/invalid`. */
  async open(learner: string, labId: string, wanted?: DriverName): Promise<Session> {
    const found = await this.find(learner, labId);
    if (found && found.state !== 'ended' && found.state !== 'failed') return found;
    const session = await this.#create(learner, labId, wanted);
    if (this.#mayStart(session)) session.start();
    else this.#enqueue(session);
    return session;
  }

  /** The learner's session in a lab if it lives, or lived when the server last stopped. */
  async find(learner: string, labId: string): Promise<Session | undefined> {
    const key = keyOf(learner, labId);
    const known = this.#sessions.get(key);
    if (known) return known;
    const stored = this.#o.store.session(learner, labId);
    if (stored?.state !== 'live') return undefined;
    if (stored.endsAt <= this.#o.clock.now()) {
      this.#o.store.endSession(learner, labId);
      return undefined;
    }
    const session = await this.#create(learner, labId, stored.driver);
    if (session.state === 'starting' && !session.access) session.start(true);
    return session;
  }

  route(id: string): ClusterRoute | undefined {
    return this.#routes.get(id);
  }

  /** For callers that come with a bearer token and no path of their own. */
  routeByToken(token: string): ClusterRoute | undefined {
    for (const route of this.#routes.values()) if (route.token === token) return route;
    return undefined;
  }

  /** The clusters of sessions that live, or that will be come back to. */
  clusters(): Set<string> {
    const names = new Set(this.#o.store.liveSessions().map((s) => clusterName(s.learner, s.lab)));
    // The store calls a failed session live, because Reset leads on from it; its cluster is lost all the same.
    for (const { state, learner, lab } of this.#sessions.values()) {
      const name = clusterName(learner, lab.id);
      if (state === 'ended' || state === 'failed') names.delete(name);
      else names.add(name);
    }
    return names;
  }

  /** How many sessions are not ended. */
  get live(): number {
    return this.#running();
  }

  /** Saves and stops every session; they come back when their learners do. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queueTimer?.cancel();
    await Promise.all([...this.#sessions.values()].map((session) => session.suspend()));
    await Promise.all(this.#warm.splice(0).map((worker) => worker.stop()));
    rmSync(this.#socketDir, { recursive: true, force: true });
  }

  async #create(learner: string, labId: string, wanted: DriverName | undefined): Promise<Session> {
    const lab = await this.#o.labs.load(labId);
    const key = keyOf(learner, labId);
    // Two pages may ask at the same moment; the second finds what the first made.
    const known = this.#sessions.get(key);
    if (known && known.state !== 'ended' && known.state !== 'failed') return known;
    const { drivers: allowed, cluster } = lab.definition;
    // A second cluster is what only the embedded driver has.
    const possible = this.#possible(cluster.others.length > 0 ? ['embedded'] : allowed);
    const { settings } = this.#o;
    const session = new Session({
      learner,
      lab,
      driver: this.#chosen(possible, wanted),
      choices: possible,
      choose: (name) => {
        if (!this.#capacity.hasRoom(name, this.#others(session)))
          throw new AcademyError('session/capacity', `There is no room for another ${name} cluster at the moment.`, {
            hint: 'Try again when other sessions have ended.',
          });
        return this.#chosen(possible, name);
      },
      store: this.#o.store,
      clock: this.#o.clock,
      log: this.#o.log,
      idleMs: settings.idleMs,
      idleWarningMs: Math.min(settings.idleWarningMs, settings.idleMs / 2),
      takeWorker: () => this.#takeWorker(),
      access: (s) => this.#access(s),
      cluster: clusterName(learner, labId),
      onEnded: (s) => this.#ended(s),
    });
    this.#sessions.set(key, session);
    return session;
  }

  /** What this academy has of what a lab allows; at least one. */
  #possible(allowed: Lab['drivers']): DriverName[] {
    const { available } = this.#o.drivers;
    const possible = available.filter((name) => allowed === 'any' || allowed.includes(name));
    if (possible.length > 0) return possible;
    const needs = allowed === 'any' ? 'a driver' : allowed.join(' or ');
    throw new AcademyError('driver/unavailable', `This lab needs ${needs}; this academy has ${available.join(', ')}.`);
  }

  /** The learner's wish where that can be had, then the academy's choice, then whatever the lab allows. */
  #chosen(possible: DriverName[], wanted: DriverName | undefined): ChosenDriver {
    const { chosen, why, kind } = this.#o.drivers;
    const name = wanted && possible.includes(wanted) ? wanted : possible.includes(chosen) ? chosen : possible[0]!;
    const reason = name === chosen ? why : name === wanted ? 'as you chose' : `this lab needs ${name}`;
    return { name, why: reason, ...(name === 'kind' && kind ? { kind } : {}) };
  }

  /** New ways to the clusters of a session; the old ones are closed. */
  #access(session: Session): SessionAccess {
    this.#forgetRoutes(session);
    const { others } = session.lab.definition.cluster;
    const main = this.#newRoute();
    const rest = others.map(({ name }) => [name, this.#newRoute()] as const);
    this.#routesOf.set(session, [main.id, ...rest.map(([, { id }]) => id)]);
    return { ...main, others: Object.fromEntries(rest) };
  }

  #forgetRoutes(session: Session): void {
    for (const id of this.#routesOf.get(session) ?? []) this.#routes.delete(id);
  }

  #newRoute(): ClusterAccess & { id: string } {
    const id = secretId()
      .slice(0, 11)
      .replaceAll(/[^a-zA-Z0-9]/g, '0')
      .toLowerCase();
    const token = secretId();
    const socketPath =
      process.platform === 'win32' ? `\\\\.\\pipe\\academy-${id}` : join(this.#socketDir, `${id}.sock`);
    this.#routes.set(id, { socketPath, token });
    return { id, token, socketPath, api: { url: `${this.#o.api.url}/clusters/${id}`, ca: this.#o.api.ca } };
  }

  #ended(session: Session): void {
    this.#forgetRoutes(session);
    const waiting = this.#queue.indexOf(session);
    if (waiting >= 0) this.#queue.splice(waiting, 1);
    if (this.#closed) return;
    const key = keyOf(session.learner, session.lab.id);
    this.#o.clock.setTimeout(() => {
      const isOver = session.state === 'ended' || session.state === 'failed';
      if (isOver && this.#sessions.get(key) === session) this.#sessions.delete(key);
    }, SHOWN_AFTER_END_MS);
    this.#advanceQueue();
  }

  /** Who came earlier and needs the same goes first. */
  #mayStart(session: Session): boolean {
    const isOvertaking = this.#queue.some((other) => other !== session && other.driver === session.driver);
    return !isOvertaking && this.#capacity.hasRoom(session.driver, this.#others(session));
  }

  #others(session: Session): Session[] {
    return [...this.#sessions.values()].filter((other) => other !== session);
  }

  #enqueue(session: Session): void {
    this.#queue.push(session);
    this.#announceQueue();
    // Memory comes free without anybody's session ending.
    this.#queueTimer ??= this.#o.clock.setInterval(() => this.#advanceQueue(), LOOK_AGAIN_MS);
  }

  /** Lets in whoever fits now, in the order in which they came. */
  #advanceQueue(): void {
    const held = new Set<DriverName>();
    for (const session of [...this.#queue]) {
      if (held.has(session.driver) || !this.#capacity.hasRoom(session.driver, this.#others(session))) {
        held.add(session.driver);
        continue;
      }
      this.#queue.splice(this.#queue.indexOf(session), 1);
      session.setQueue(undefined);
      session.start();
    }
    if (this.#queue.length === 0) {
      this.#queueTimer?.cancel();
      this.#queueTimer = undefined;
    }
    this.#announceQueue();
  }

  #announceQueue(): void {
    const now = this.#o.clock.now();
    for (const [index, session] of this.#queue.entries()) {
      const end = this.#capacity.placesAt(session.driver, this.#others(session))[index];
      session.setQueue({ place: index + 1, ...(end ? { estimateMs: Math.max(0, end - now) } : {}) });
    }
  }

  #running(): number {
    let count = 0;
    for (const { state } of this.#sessions.values())
      if (state !== 'ended' && state !== 'failed' && state !== 'queued') count++;
    return count;
  }

  #takeWorker(): SessionWorker {
    const worker = this.#warm.shift() ?? this.#newWorker();
    // The next one is loaded when this learner has a prompt; before that, the two would compete for the processor.
    worker.onAccepting = () => this.#refillWarm();
    return worker;
  }

  #newWorker(): SessionWorker {
    return new SessionWorker({
      entry: this.#o.workerEntry,
      memoryMb: this.#o.settings.sessionMemoryMb,
      clock: this.#o.clock,
    });
  }

  #refillWarm(): void {
    while (!this.#closed && this.#warm.length < (this.#o.warmWorkers ?? WARM_WORKERS))
      this.#warm.push(this.#newWorker());
  }

  #forgetExpired(): void {
    const now = this.#o.clock.now();
    for (const { learner, lab, endsAt } of this.#o.store.liveSessions()) {
      if (endsAt <= now) this.#o.store.endSession(learner, lab);
    }
  }
}

/** An Engine on another machine has other memory than this one. */
function freeMemory(): number | undefined {
  const engine = process.env['DOCKER_HOST'];
  return engine && !engine.startsWith('unix:') ? undefined : freemem();
}

const keyOf = (learner: string, lab: string): string => `${learner}\n${lab}`;
