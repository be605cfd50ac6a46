import type { Duplex } from 'node:stream';
import Docker from 'dockerode';
import { AcademyError, isAbort, messageOf } from '#base/errors.ts';
import { demultiplex } from './demultiplex.ts';

/** No call to the Engine waits longer than this unless it says so: a cut connection leaves dockerode waiting for ever. */
const DEADLINE_MS = 30_000;
/** Output of one exec that is kept, bytes; the rest is read and dropped. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

export interface ExecResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface ExecOptions {
  /** A stream is passed on at the pace of the command. */
  stdin?: string | Uint8Array | NodeJS.ReadableStream;
  env?: string[];
  user?: string;
  /** Default 30 s. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Gets the standard output as it comes. */
  onOutput?(text: string): void;
}

/**
 * The Docker Engine, as far as clusters need it. Every call has a deadline and ends in an `AcademyError` whose message
 * names what was asked; `signal` cancels at once.
 */
export class Engine {
  readonly docker: Docker;

  /** DOCKER_HOST and the Engine's usual sockets are honoured. Source: docker-modem's defaults. */
  constructor(docker: Docker = new Docker()) {
    this.docker = docker;
  }

  /** Runs one Engine call under a deadline. `what` completes the sentence "The Docker Engine could not …". */
  async call<T>(
    what: string,
    work: (signal: AbortSignal) => Promise<T>,
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<T> {
    const { timeoutMs = DEADLINE_MS, signal } = options;
    signal?.throwIfAborted();
    const deadline = AbortSignal.timeout(timeoutMs);
    const either = signal ? AbortSignal.any([signal, deadline]) : deadline;
    // dockerode does not settle in every case when its signal aborts, so the race is decided here.
    let stop: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(either.reason);
      either.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([work(either), aborted]);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (deadline.aborted)
        throw new AcademyError('driver/timeout', `The Docker Engine could not ${what} within ${timeoutMs / 1000} s.`);
      throw engineError(what, error);
    } finally {
      if (stop) either.removeEventListener('abort', stop);
    }
  }

  async version(): Promise<{ Version: string; ApiVersion: string; Os: string; Arch: string; KernelVersion?: string }> {
    return this.call('tell its version', () => this.docker.version() as never, { timeoutMs: 5_000 });
  }

  /** True when the image is here. Nothing is ever pulled behind anybody's back. */
  async hasImage(reference: string): Promise<boolean> {
    try {
      await this.call(`look for the image ${reference}`, () => this.docker.getImage(reference).inspect());
      return true;
    } catch (error) {
      if (isStatus(error, 404)) return false;
      throw error;
    }
  }

  /** Creates a container and returns its id. The specification is copied: dockerode changes what it is given. */
  async createContainer(
    specification: Docker.ContainerCreateOptions & { HostConfig?: { CgroupnsMode?: string } },
    signal?: AbortSignal,
  ): Promise<string> {
    const container = await this.call(
      `create the container ${specification.name}`,
      (abortSignal) => this.docker.createContainer({ ...structuredClone(specification), abortSignal }),
      { timeoutMs: 60_000, ...(signal ? { signal } : {}) },
    );
    return container.id;
  }

  /** That a container runs already is fine (304). */
  async start(id: string, signal?: AbortSignal): Promise<void> {
    await ignoring([304], () =>
      this.call('start a container', () => this.docker.getContainer(id).start(), signal ? { signal } : {}),
    );
  }

  /** Removes a container with its anonymous volumes; that it is gone is fine. */
  async remove(id: string): Promise<void> {
    await ignoring([404, 409], () =>
      this.call('remove a container', () => this.docker.getContainer(id).remove({ force: true, v: true }), {
        timeoutMs: 60_000,
      }),
    );
  }

  async removeNetwork(id: string): Promise<void> {
    const network = this.docker.getNetwork(id);
    const remove = () => ignoring([404], () => this.call('remove a network', () => network.remove()));
    try {
      await remove();
    } catch (error) {
      if (!isStatus(error, 403)) throw error;
      // After a restart an Engine may hold places of containers that are gone; they are listed by no container's id.
      const { Containers = {} } = await this.call('look at a network', () => network.inspect());
      const gone = Object.entries(Containers).filter(([key]) => key.startsWith('ep-'));
      if (gone.length === 0) throw error;
      for (const [, { Name }] of gone as [string, { Name: string }][])
        await this.call('leave a network', () => network.disconnect({ Container: Name, Force: true }));
      await remove();
    }
  }

  async pause(id: string): Promise<void> {
    await this.call('pause a container', () => this.docker.getContainer(id).pause());
  }
  async unpause(id: string): Promise<void> {
    await this.call('unpause a container', () => this.docker.getContainer(id).unpause());
  }
  async rename(id: string, name: string): Promise<void> {
    await this.call(`rename a container to ${name}`, () => this.docker.getContainer(id).rename({ name }));
  }

  async inspect(id: string): Promise<Docker.ContainerInspectInfo> {
    return this.call('inspect a container', (abortSignal) => this.docker.getContainer(id).inspect({ abortSignal }));
  }

  /** Runs a command in a container to its end. A missing program is exit code 126 or 127, as the Engine has it. */
  async exec(id: string, command: string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { stdin, timeoutMs = DEADLINE_MS } = options;
    const what = `run ${command[0]?.split('/').at(-1)} in a container`;
    let stream: Duplex | undefined;
    let givenUp = false;
    try {
      return await this.call(
        what,
        async () => {
          const exec = await this.docker.getContainer(id).exec({
            Cmd: command,
            AttachStdin: stdin !== undefined,
            AttachStdout: true,
            AttachStderr: true,
            ...(options.env ? { Env: options.env } : {}),
            ...(options.user ? { User: options.user } : {}),
          });
          // Without hijack the stream of an exec with stdin never ends.
          stream = (await exec.start({ hijack: true, stdin: stdin !== undefined })) as Duplex;
          if (givenUp) stream.destroy();

          const output = collect(stream, options.onOutput);
          if (stdin !== undefined) {
            if (typeof stdin === 'string' || stdin instanceof Uint8Array) stream.end(stdin);
            else stdin.once('error', (error) => stream?.destroy(error)).pipe(stream);
          }
          const { stdout, stderr } = await output;
          const { ExitCode } = await exec.inspect();
          return { code: ExitCode ?? 1, stdout, stderr };
        },
        { timeoutMs, ...(options.signal ? { signal: options.signal } : {}) },
      );
    } finally {
      // An abort signal does nothing for a stream that was upgraded, be it already or in a moment.
      givenUp = true;
      stream?.destroy();
    }
  }

  /** Like `exec`, but a code other than 0 is an error that carries the end of what was printed. */
  async run(id: string, command: string[], options: ExecOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.exec(id, command, options);
    if (code === 0) return stdout;
    const said = (stderr || stdout).trim().split('\n').slice(-3).join(' ');
    throw new AcademyError('driver/failed', `${command.slice(0, 3).join(' ')} ended with ${code}: ${said}`);
  }

  /** Writes a file in a container through an exec: an archive put into a tmpfs path would stay invisible there. */
  async write(id: string, path: string, content: string, signal?: AbortSignal): Promise<void> {
    const folder = path.slice(0, path.lastIndexOf('/'));
    await this.run(id, ['sh', '-c', 'mkdir -p "$1" && cat > "$2"', 'sh', folder, path], {
      stdin: content,
      ...(signal ? { signal } : {}),
    });
  }

  /** A byte stream to the standard streams of a command: the relay to a port that the host can't reach itself. */
  async stream(id: string, command: string[], signal?: AbortSignal): Promise<Duplex> {
    return this.call(
      'open a stream into a container',
      async () => {
        const exec = await this.docker
          .getContainer(id)
          .exec({ Cmd: command, AttachStdin: true, AttachStdout: true, AttachStderr: false });
        const stream = (await exec.start({ hijack: true, stdin: true })) as Duplex;
        return demultiplex(stream);
      },
      signal ? { signal } : {},
    );
  }

  /** Follows a container's log until a line matches. Rejects when the container ends first, or at the deadline. */
  async untilLogged(id: string, pattern: RegExp, options: { timeoutMs: number; signal?: AbortSignal }): Promise<void> {
    let stream: (NodeJS.ReadableStream & { destroy?(): void }) | undefined;
    try {
      await this.call(
        `see the node's system start`,
        async () => {
          const logs = await this.docker
            .getContainer(id)
            .logs({ follow: true, stdout: true, stderr: true })
            .then((found) => found as unknown as NonNullable<typeof stream>);
          stream = logs;
          // With a terminal the log is raw text, colours and all.
          let tail = '';
          for await (const chunk of logs) {
            tail = (tail + String(chunk)).slice(-64 * 1024);
            if (pattern.test(tail)) return;
          }
          throw new Error(`the container ended: ${tail.trim().split('\n').at(-1) ?? ''}`);
        },
        options,
      );
    } finally {
      stream?.destroy?.();
    }
  }
}

async function collect(stream: Duplex, onOutput: ExecOptions['onOutput']): Promise<{ stdout: string; stderr: string }> {
  const kept = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let size = 0;
  const take = (to: Buffer[]) => (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_OUTPUT_BYTES) to.push(chunk);
  };
  const output = demultiplex(stream, take(kept.stderr));
  output.on('data', take(kept.stdout));
  if (onOutput) output.on('data', (chunk: Buffer) => onOutput(chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    output.once('end', resolve);
    output.once('error', reject);
    output.once('close', resolve);
  });
  return { stdout: Buffer.concat(kept.stdout).toString(), stderr: Buffer.concat(kept.stderr).toString() };
}

export const isStatus = (error: unknown, ...codes: number[]): boolean => {
  const cause = error instanceof AcademyError ? error.cause : error;
  return codes.includes((cause as { statusCode?: number } | undefined)?.statusCode ?? 0);
};

async function ignoring(codes: number[], work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isStatus(error, ...codes)) throw error;
  }
}

/** A failure of the Engine as one of ours: what was asked, what it said, and under which code. */
export function engineError(what: string, error: unknown): unknown {
  if (error instanceof AcademyError || isAbort(error)) return error;
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  const said = messageOf(error).replace(/^\(HTTP code \d+\) /, '');
  if (code && ['ENOENT', 'ECONNREFUSED', 'EACCES', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'].includes(code))
    return new AcademyError('driver/engine', `The Docker Engine does not answer (${code}): it could not ${what}.`, {
      cause: error,
    });
  if (/no space left on device/i.test(said))
    return new AcademyError('driver/disk-full', `The disk of the Docker Engine is full: it could not ${what}.`, {
      cause: error,
    });
  // The Engine answers 404 for a pool that is exhausted.
  if (/address pool|non-overlapping IPv4/i.test(said))
    return new AcademyError('driver/network-pool', `The Docker Engine has no network left to give: ${said}.`, {
      cause: error,
    });
  if (/address already in use|port is already allocated/i.test(said))
    return new AcademyError('driver/address-taken', `An address or port is taken: it could not ${what}: ${said}`, {
      cause: error,
    });
  if (/No such image/i.test(said))
    return new AcademyError('driver/image-missing', `An image is missing: ${said}.`, { cause: error });
  return new AcademyError(
    'driver/failed',
    `The Docker Engine could not ${what}${statusCode ? ` (${statusCode})` : ''}: ${said}`,
    { cause: error },
  );
}
