import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { Engine } from '#cluster/kind/engine.ts';
import { host } from './engine-here.ts';

/** What the preflight asks for; memory is taken only for what is written. */
const DISK_BYTES = 5 * 1024 ** 3;
const BRIDGE = `academy${process.pid % 100_000_000}`;
const BRIDGE_ADDRESS = '10.212.255.1/28';
const ANSWERS_WITHIN_MS = 30_000;

/**
 * A Docker Engine of a test's own, on a disk of its own in memory, which may be filled, and which may be ended and started
 * again. It leaves the host's packet filter and everybody's bridges alone.
 */
export class OwnEngine {
  readonly engine: Engine;
  readonly socket: string;
  readonly #folder: string;
  #daemon: ChildProcess | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.socket = join(folder, 'docker.sock');
    this.engine = new Engine(new Docker({ socketPath: this.socket }));
  }

  /** Starts one, or says why that can't be done here. */
  static async start(): Promise<OwnEngine | string> {
    if (host('dockerd', '--version') === undefined) return 'there is no dockerd here';
    const own = new OwnEngine(mkdtempSync(join(tmpdir(), 'academy-engine-')));
    mkdirSync(own.disk);
    // With no bridge of its own a daemon takes away the one that another daemon has for all.
    if (
      host('ip', 'link', 'add', 'name', BRIDGE, 'type', 'bridge') === undefined ||
      host('ip', 'addr', 'add', BRIDGE_ADDRESS, 'dev', BRIDGE) === undefined
    ) {
      await own.remove();
      return 'a bridge of its own can’t be made here';
    }
    if (host('mount', '-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'academy', own.disk) === undefined) {
      await own.remove();
      return 'a disk in memory can’t be mounted here';
    }
    try {
      await own.run();
      return own;
    } catch (error) {
      const log = readFileSync(own.#log, 'utf8').trim().split('\n').at(-1);
      await own.remove();
      return `a second Docker Engine does not start: ${error instanceof Error ? error.message : error} ${log}`;
    }
  }

  get disk(): string {
    return join(this.#folder, 'disk');
  }
  get #log(): string {
    return join(this.#folder, 'dockerd.log');
  }

  /** Starts the daemon, and waits until it answers. */
  async run(): Promise<void> {
    const log = openSync(this.#log, 'a');
    const flags = {
      host: `unix://${this.socket}`,
      'data-root': join(this.disk, 'data'),
      'exec-root': join(this.#folder, 'exec'),
      pidfile: join(this.#folder, 'dockerd.pid'),
      bridge: BRIDGE,
      iptables: 'false',
      'ip-masq': 'false',
      'ip-forward': 'false',
      'shutdown-timeout': '5',
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const daemon = spawn('dockerd', args, { stdio: ['ignore', log, log] });
    this.#daemon = daemon;
    const ended = new Promise<never>((_, reject) =>
      daemon.once('exit', (code) => reject(new Error(`it ended with ${code}.`))),
    );
    ended.catch(() => {});
    await Promise.race([ended, this.#answers()]);
  }

  /** Ends the daemon, and its containers with it. */
  async halt(): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    if (!daemon || daemon.exitCode !== null) return;
    const gone = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGTERM');
    await gone;
  }

  /** Makes the disk as small as what is on it. Returns what makes room again. */
  fill(): () => void {
    const { blocks, bfree, bsize } = statfsSync(this.disk);
    this.#resize((blocks - bfree) * bsize + bsize);
    return () => this.#resize(DISK_BYTES);
  }

  #resize(bytes: number): void {
    execFileSync('mount', ['-o', `remount,size=${bytes}`, this.disk]);
  }

  async remove(): Promise<void> {
    await this.halt();
    // What a daemon leaves that did not end well: whatever was started for this folder.
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      if (host('cat', `/proc/${pid}/cmdline`)?.includes(join(this.#folder, 'exec'))) host('kill', '-9', pid);
    host('umount', '-R', '-l', this.disk);
    host('ip', 'link', 'delete', BRIDGE);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<void> {
    const until = Date.now() + ANSWERS_WITHIN_MS;
    for (;;) {
      try {
        await this.engine.version();
        return;
      } catch (error) {
        if (Date.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}
