import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../src/cli/root.ts';

/** `npm start` as a learner's host runs it: a process of its own, which can also be killed. */
export class AcademyProcess {
  readonly url: string;
  readonly dataDir: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string, dataDir: string) {
    this.#child = child;
    this.url = url;
    this.dataDir = dataDir;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Resolves when the line with the address appeared; rejects with what was printed when the process ends before. */
  static async start(
    options: { dataDir?: string; port?: number; env?: Record<string, string> } = {},
  ): Promise<AcademyProcess> {
    const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'academy-run-'));
    const child = spawn(process.execPath, [join(ROOT, 'src', 'cli', 'academy.ts'), 'start'], {
      cwd: ROOT,
      env: { ...process.env, PORT: String(options.port ?? 0), ACADEMY_DATA: dataDir, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    const url = await new Promise<string>((resolve, reject) => {
      const take = (chunk: Buffer) => {
        printed += String(chunk);
        const found = /open at (http:\/\/\S+)/.exec(printed)?.[1];
        if (found) resolve(found);
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.on('exit', (code) => reject(new Error(`the academy ended with ${code}:\n${printed}`)));
    });
    return new AcademyProcess(child, url, dataDir);
  }

  /** As Ctrl-C does; its data goes too unless `keep`. */
  async stop(options: { signal?: NodeJS.Signals; keep?: boolean } = {}): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) resolve();
      else this.#child.once('exit', () => resolve());
    });
    this.#child.kill(options.signal ?? 'SIGINT');
    await gone;
    if (!options.keep) rmSync(this.dataDir, { recursive: true, force: true });
  }
}
