import { WallClock } from '#base/clock.ts';
import { AcademyError, codeOf, isAbort, messageOf } from '#base/errors.ts';
import { Lifecycle } from '#base/lifecycle.ts';
import type { Desk } from '#cluster/desk.ts';
import type { Cluster } from '#cluster/driver.ts';
import { Grader } from '#grader/grader.ts';
import { CertificateNames } from '#grader/names.ts';
import { meshCertificates } from '#grader/probes/mesh.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { clusterNames, isMeshed } from '#schema/cluster-names.ts';
import type { ClientMessage } from '#schema/protocol.ts';
import type { FromWorker, StartOrder } from '../channel.ts';
import { withMirrors } from '../mirrors.ts';
import type { ContextChoice } from './context-choice.ts';
import { driverNamed } from './drivers.ts';
import { Edits } from './edits.ts';
import { setUpLab, workloadsReady } from './lab-setup.ts';
import { Saver } from './saver.ts';
import { readSnapshot, type Snapshot, writeSnapshot } from './snapshot.ts';
import { innerCas, openDesk } from './terminals.ts';
import { tidyUp } from './tidy-up.ts';
import { Views, type Watched } from './views.ts';

type Post = (message: FromWorker) => void;

/** A cluster that came back from a snapshot may hold what its learner broke; it is not waited for longer than this. */
const RESTORED_READY_WITHIN_MS = 20_000;

/** One session inside its worker: the cluster, the learner's terminals and files, and the grader, put together. */
export class SessionRuntime {
  readonly #order: StartOrder;
  readonly #post: Post;
  readonly #wall = new WallClock();
  readonly #life = new Lifecycle();
  readonly #edits: Edits;
  #keepCluster = false;
  #creating: Promise<{ cluster: Cluster; restored: boolean }> | undefined;
  #cluster: Cluster | undefined;
  #desk: Desk | undefined;
  #grader: Grader | undefined;
  #views: Views | undefined;
  #watched: Watched = { views: [], observe: [], clusters: [] };
  #saver: Saver | undefined;
  #choice: ContextChoice | undefined;
  readonly #born = new CertificateNames();
  /** The lab's other clusters, and the certificates that they were born with. */
  readonly #others = new Map<string, { cluster: Cluster; born: CertificateNames }>();
  /** The learner's files as text, for checks that read them. */
  readonly #files = new Map<string, string>();

  constructor(order: StartOrder, post: Post) {
    this.#order =
      order.driver === 'kind' ? { ...order, lab: withMirrors(order.lab, order.kind?.mirrors ?? {}) } : order;
    this.#post = post;
    this.#edits = new Edits((message) => post({ type: 'broadcast', message }));
  }

  /** Resolves when the learner was let in. Rejects with the reason why that could not be. */
  async start(): Promise<void> {
    const order = this.#order;
    const { definition } = order.lab;
    const snapshot = order.snapshot && readSnapshot(order.snapshot);
    this.#choice = snapshot?.choice;
    this.#creating = this.#createCluster(snapshot).then(async (made) => {
      const leave = () => (this.#keepCluster && made.cluster.release ? made.cluster.release() : made.cluster.destroy());
      if (this.#life.closed) {
        // Asked to stop in the moment in which it was made.
        await leave();
        throw this.#life.signal.reason;
      }
      this.#life.add(leave);
      return made;
    });
    const { cluster, restored } = await this.#creating;
    this.#cluster = cluster;
    cluster.lost?.catch((error: unknown) => {
      if (!this.#life.closed) this.#post({ type: 'failed', code: codeOf(error), message: messageOf(error) });
    });
    await cluster.serveApi(order.socketPath, order.token);
    for (const [name, other] of cluster.others ?? []) {
      this.#others.set(name, { cluster: other, born: new CertificateNames() });
      const { socketPath, token } = order.others[name]!;
      await other.serveApi(socketPath, token);
    }
    this.#post({ type: 'inner-ca', ca: innerCas(order, cluster) });

    const desk = await openDesk({
      order,
      cluster,
      wall: this.#wall,
      freshCluster: !restored,
      choice: this.#choice,
      onChoice: (choice) => {
        this.#choice = choice;
      },
      post: (message) => {
        if (message.type === 'file') this.#fileChanged(message.path, message.content);
        this.#post(message);
      },
      openEditor: (path, content, signal) => this.#edits.open(path, content, signal),
      ...(definition.cluster.clock === 'movable' ? { advanceClock: (ms: number) => this.#advanceClock(ms) } : {}),
    });
    this.#desk = desk;
    this.#life.add(() => desk.stop());
    this.#post({ type: 'prompt' });

    await this.#lab(cluster, desk, restored);
    if (this.#life.closed) return;

    const grader = new Grader({
      lab: definition,
      client: cluster.admin,
      others: new Map(
        [...this.#others].map(([name, { cluster: other, born }]) => [name, { client: other.admin, born: born.save() }]),
      ),
      clock: cluster.clock,
      wall: this.#wall,
      hints: order.hints,
      born: this.#born.save(),
      files: { read: (path) => this.#files.get(path) },
      runScript: (script) => desk.runScript(script),
      ...(restored && snapshot ? { saved: { ...snapshot.grader, startedAt: cluster.clock.now() } } : {}),
      onLook: order.tellLooks ? (look) => this.#post({ type: 'looked', ...look }) : undefined,
      onTask: (task) => {
        this.#post({ type: 'task', task });
        this.#views?.taskChanged();
      },
    });
    this.#grader = grader;
    this.#life.add(() => grader.stop());
    this.#views = new Views({
      grader,
      client: cluster.admin,
      clusters: this.#named(cluster),
      wall: this.#wall,
      post: this.#post,
    });
    this.#life.add(() => this.#views?.close());
    await grader.start();
    this.#post({ type: 'tasks', tasks: grader.tasks() });
    void this.#views.watch(this.#watched);
    if (!order.proof)
      this.#saver = new Saver({
        clients: [cluster.admin, ...[...this.#others.values()].map((other) => other.cluster.admin)],
        wall: this.#wall,
        save: () => this.save(),
        signal: this.#life.signal,
      });
    this.#tellClock();
    this.#post({ type: 'ready' });
    tidyUp(this.#wall);
  }

  async handle(message: ClientMessage): Promise<void> {
    this.#saver?.touched();
    switch (message.type) {
      case 'terminal.open':
        return this.#desk?.open(message.terminal, { columns: message.columns, rows: message.rows });
      case 'terminal.input':
        return this.#desk?.input(message.terminal, message.data);
      case 'terminal.resize':
        return this.#desk?.resize(message.terminal, { columns: message.columns, rows: message.rows });
      case 'terminal.close':
        return this.#desk?.close(message.terminal);
      case 'file.write':
        return this.#desk?.write(message.path, message.content, message.baseVersion);
      case 'file.delete':
        return this.#desk?.delete(message.path);
      case 'file.rename':
        return this.#desk?.rename(message.path, message.to);
      case 'edit.done':
        return this.#edits.done(message.id, message.content);
      case 'hint.next':
        return this.#takeHint(message.task);
      case 'answer.submit':
        return this.#submitAnswer(message.answer, message.value);
      case 'clock.advance':
        return this.#advanceClock(message.ms);
      case 'views.watch':
        // Pages say what they look at as soon as they are connected, which may be before there is anything to see.
        this.#watched = message;
        return this.#views?.watch(message);
      default:
        throw new AcademyError('request/invalid', `A session does not know what to do with "${message.type}".`);
    }
  }

  warnIdle(text: string): void {
    this.#desk?.notice(text);
  }

  /** Saves the cluster and what the grader remembers. */
  async save(): Promise<void> {
    this.#desk?.flush?.();
    const data = await this.#cluster?.save();
    if (!data || !this.#grader) return;
    const snapshot: Snapshot = { cluster: data, grader: this.#grader.save(), choice: this.#choice };
    this.#post({ type: 'snapshot', data: writeSnapshot(snapshot) });
  }

  runScript(script: string): Promise<{ code: number; output: string }> {
    if (!this.#desk) throw new AcademyError('request/invalid', 'The session is not up yet.');
    return this.#desk.runScript(script);
  }

  /** Resolves when no verdict is about to change, or `atMostMs` are over. */
  async settled(atLeastMs: number, atMostMs: number): Promise<void> {
    await this.#grader?.settled(atLeastMs, atMostMs);
  }

  /**
   * Resolves when nothing is left of the session. `keep`: the server goes away and this session will be come back to.
   */
  async stop(options: { keep: boolean }): Promise<void> {
    this.#keepCluster = options.keep;
    await this.#life.close();
    // A bring-up that was broken off takes away what it had made, and the thread must not end before.
    await this.#creating?.catch(() => {});
  }

  async #createCluster(snapshot: Snapshot | undefined): Promise<{ cluster: Cluster; restored: boolean }> {
    const { cluster: id, driver: name, kind, lab } = this.#order;
    const driver = await driverNamed(name, kind);
    const options = {
      id,
      settings: lab.definition.cluster,
      ...lab.needs,
      onStep: (step: Parameters<Parameters<typeof driver.create>[0]['onStep']>[0]) =>
        this.#post({ type: 'step', step }),
      signal: this.#life.signal,
    };
    if (snapshot) {
      try {
        return { cluster: await driver.create({ ...options, restore: snapshot.cluster }), restored: true };
      } catch (error) {
        if (isAbort(error)) throw error;
        this.#post({
          type: 'rebuilt',
          text: 'The academy was restarted, and the saved state of your cluster could not be read. It was built again from the start; your files and your command history are as they were.',
        });
      }
    }
    return { cluster: await driver.create(options), restored: false };
  }

  async #lab(cluster: Cluster, desk: Desk, restored: boolean): Promise<void> {
    const setup = {
      lab: this.#order.lab,
      client: cluster.admin,
      others: new Map([...this.#others].map(([name, other]) => [name, other.cluster.admin] as const)),
      runScript: (script: string) => desk.runScript(script),
      onStep: (step: Parameters<Parameters<typeof setUpLab>[0]['onStep']>[0]) => this.#post({ type: 'step', step }),
      now: () => this.#wall.now(),
      signal: this.#life.signal,
    };
    if (!restored) {
      await cluster.ready;
      // What the cluster was born with is number 1, whatever the lab's start makes of it.
      if (this.#order.lab.definition.cluster.mesh === 'linkerd')
        await meshCertificates(cluster.admin, this.#born, cluster.clock.now());
      for (const [name, { cluster: other, born }] of this.#others)
        if (isMeshed(this.#order.lab.definition.cluster, name))
          await meshCertificates(other.admin, born, other.clock.now());
      return setUpLab(setup);
    }
    const within = AbortSignal.any([this.#life.signal, AbortSignal.timeout(RESTORED_READY_WITHIN_MS)]);
    await Promise.race([cluster.ready, this.#wall.sleep(RESTORED_READY_WITHIN_MS, this.#life.signal)]).catch(() => {});
    for (const client of [cluster.admin, ...setup.others.values()])
      await workloadsReady({ client, signal: within }).catch(() => {});
  }

  /** The lab's clusters by name, the main one first; empty where there is only one. */
  #named(cluster: Cluster): Map<string, KubeClient> {
    const [main] = clusterNames(this.#order.lab.definition.cluster);
    const others = [...this.#others].map(([name, other]) => [name, other.cluster.admin] as const);
    return new Map(main && others.length > 0 ? [[main, cluster.admin], ...others] : []);
  }

  #takeHint(task: string): void {
    if (!this.#grader) throw new AcademyError('request/invalid', 'The lab is still setting itself up.');
    const { task: view, hints } = this.#grader.takeHint(task);
    this.#post({ type: 'hints', hints });
    this.#post({ type: 'task', task: view });
  }

  #submitAnswer(answer: string, value: string): void {
    if (!this.#grader) throw new AcademyError('request/invalid', 'The lab is still setting itself up.');
    const { correct, say } = this.#grader.submitAnswer(answer, value);
    this.#post({ type: 'answer', answer, value, correct });
    this.#post({ type: 'broadcast', message: { type: 'answer', answer, correct, say } });
  }

  #fileChanged(path: string, content: Uint8Array | null): void {
    if (content === null) this.#files.delete(path);
    else this.#files.set(path, Buffer.from(content).toString('utf8'));
    this.#grader?.fileChanged(path);
  }

  async #advanceClock(ms: number): Promise<void> {
    if (this.#order.lab.definition.cluster.clock !== 'movable')
      throw new AcademyError('request/invalid', "This lab's clock can't be moved.");
    await this.#cluster?.advanceClock(ms);
    this.#tellClock();
  }

  #tellClock(): void {
    if (this.#cluster) this.#post({ type: 'clock', aheadMs: this.#cluster.clock.now() - this.#wall.now() });
  }
}
