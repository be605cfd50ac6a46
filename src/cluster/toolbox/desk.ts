import { AcademyError, messageOf } from '#base/errors.ts';
import { HOME } from '#terminal/workspace.ts';
import type { Box, Desk, DeskOptions, DeskSize } from '../desk.ts';
import { BoxFiles } from './files.ts';
import { NewLines } from './new-lines.ts';
import { EditRequests, REQUESTS } from './requests.ts';
import { Screens } from './screens.ts';
import { watchBox } from './watch.ts';

/** A script of a lab may wait for a cluster; a proof runs a whole solution. */
const SCRIPT_WITHIN_MS = 15 * 60_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/** A desk whose terminals and files are in a box. Connections that break are made again until it is stopped. */
export class BoxDesk implements Desk {
  readonly #box: Box;
  readonly #o: DeskOptions;
  readonly #files: BoxFiles;
  readonly #screens: Screens;
  readonly #requests: EditRequests;
  readonly #history: NewLines;
  readonly #abort = new AbortController();
  #stopWatching: (() => void) | undefined;
  /** The last input that waits for its turn. */
  #typing: Promise<void> | undefined;
  #recovering: Promise<void> | undefined;
  /** What the watcher tells is taken in one after the other. */
  #taking: Promise<void> = Promise.resolve();

  private constructor(box: Box, o: DeskOptions) {
    this.#box = box;
    this.#o = o;
    this.#history = new NewLines(o.history, o.onHistory);
    this.#files = new BoxFiles({
      box,
      files: o.files,
      onFile: o.onFile,
      onOwn: (_path, content) => this.#history.take(content),
      onConflict: (path, keptAs) =>
        this.notice(`${path} had been changed by a program meanwhile; what it wrote was kept as ${keptAs}.`),
    });
    this.#requests = new EditRequests(box, o.openEditor);
    this.#screens = new Screens({
      box,
      wall: o.wall,
      onOpened: o.onOpened,
      onOutput: o.onOutput,
      onClosed: o.onClosed,
      onBroken: () => this.#recover(),
    });
  }

  /** Resolves when terminals can be opened; those that run in the box already have been told. */
  static async open(box: Box, options: DeskOptions): Promise<BoxDesk> {
    const desk = new BoxDesk(box, options);
    try {
      await desk.#connect();
      return desk;
    } catch (error) {
      desk.stop();
      throw error;
    }
  }

  open(terminal: string, size: DeskSize): Promise<void> {
    return this.#screens.open(terminal, size);
  }
  /** Keys that are typed after a file was saved meet the file as it was saved. */
  input(terminal: string, data: string): void | Promise<void> {
    if (!this.#typing && !this.#files.busy) return this.#screens.input(terminal, data);
    const turn = (this.#typing ?? this.#files.settled())
      .catch(() => {})
      .then(() => this.#files.settled())
      .then(() => this.#screens.input(terminal, data));
    this.#typing = turn;
    return turn.finally(() => {
      if (this.#typing === turn) this.#typing = undefined;
    });
  }
  resize(terminal: string, size: DeskSize): Promise<void> {
    return this.#screens.resize(terminal, size);
  }
  close(terminal: string): Promise<void> {
    return this.#screens.close(terminal);
  }
  notice(text: string): void {
    void this.#screens.notice(text).catch(() => {});
  }
  write(path: string, content: string, baseVersion?: number): Promise<void> {
    return this.#files.write(path, content, baseVersion);
  }
  delete(path: string): Promise<void> {
    return this.#files.delete(path);
  }
  rename(path: string, to: string): Promise<void> {
    return this.#files.rename(path, to);
  }

  async runScript(script: string): Promise<{ code: number; output: string }> {
    await this.#files.settled();
    const command = ['bash', '-c', 'cd && exec bash -c "$1" 2>&1 </dev/null', 'bash', script];
    const { code, stdout } = await this.#box.run(command, {
      timeoutMs: SCRIPT_WITHIN_MS,
      signal: this.#abort.signal,
    });
    return { code, output: stdout };
  }

  stop(): void {
    this.#abort.abort(new DOMException('stopped', 'AbortError'));
    this.#requests.stop();
    this.#stopWatching?.();
    this.#screens.disconnect();
    this.#files.stop();
  }

  async #connect(): Promise<void> {
    const { signal } = this.#abort;
    const history = this.#history.lines.map((line) => `${line}\n`).join('');
    await this.#files.fill({
      '.kube/config': Buffer.from(this.#box.kubeconfig),
      ...(history ? { '.bash_history': Buffer.from(history) } : {}),
    });
    this.#stopWatching?.();
    await Promise.all([
      watchBox(this.#box, this.#o.wall, {
        onReady: () => this.#take(() => Promise.all([this.#files.readAll(), this.#requests.lookAround()])),
        onChanged: (paths) =>
          this.#take(() =>
            Promise.all([
              this.#files.changed(paths.filter((path) => path.startsWith(`${HOME}/`))),
              this.#requests.changed(paths.filter((path) => path.startsWith(`${REQUESTS}/`))),
            ]),
          ),
        onBroken: () => this.#recover(),
      }).then((stopWatching) => {
        if (signal.aborted) stopWatching();
        else this.#stopWatching = stopWatching;
      }),
      this.#screens.connect(signal),
    ]);
  }

  #take(work: () => Promise<unknown>): void {
    this.#taking = this.#taking.then(work).then(
      () => {},
      // What could not be read now is read when the connection is back.
      () => {},
    );
  }

  /** Connects again. The box may have been ended: then it is started, its home is filled, and its terminals are gone. */
  #recover(): void {
    if (this.#abort.signal.aborted || this.#recovering) return;
    this.#recovering = this.#reconnect().finally(() => {
      this.#recovering = undefined;
    });
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#abort;
    for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      this.#screens.disconnect();
      try {
        await this.#o.wall.sleep(waitMs, signal);
        await this.#box.revive(signal);
        await this.#connect();
        return;
      } catch (error) {
        if (signal.aborted || isGone(error)) return;
      }
    }
  }
}

/** A box that was taken away is not waited for; whoever holds the cluster says so. */
const isGone = (error: unknown): boolean =>
  error instanceof AcademyError && /No such container/i.test(messageOf(error));
