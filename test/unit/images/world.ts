import { MovableClock } from '#base/clock.ts';
import { httpCall } from '#kube/images/http-call.ts';
import type { ContainerContext, Image, Process } from '#kube/images/program.ts';
import { ContainerTree, ScratchVolume } from '#kube/kubelet/files.ts';
import { Fabric } from '#kube/network/fabric.ts';
import type { NetNs } from '#kube/network/network.ts';
import type { Tty } from '#shell/stdio.ts';

export const START = Date.UTC(2026, 10, 24, 10, 0, 0);

export interface Started {
  process: Process;
  context: ContainerContext;
  stdout(): string;
  stderr(): string;
  /** Resolves when the output matches. */
  printed(pattern: RegExp): Promise<string>;
  /** Types into standard input. */
  type(text: string): void;
  endInput(): void;
}

/** What a program writes, as text, with waiters. */
class Output {
  text = '';
  readonly #waiting = new Set<() => void>();
  write = async (data: Uint8Array | string): Promise<void> => {
    this.text += typeof data === 'string' ? data : Buffer.from(data).toString();
    for (const check of [...this.#waiting]) check();
  };
  end(): void {}
  until(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      const check = () => {
        if (!pattern.test(this.text)) return;
        this.#waiting.delete(check);
        resolve(this.text);
      };
      this.#waiting.add(check);
      check();
    });
  }
}

class Input {
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | undefined;
  push(text: string): void {
    this.#chunks.push(Buffer.from(text));
    this.#wake?.();
  }
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }
  cancel(): void {
    this.end();
  }
  async read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0 && !this.#ended) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return this.#chunks.shift();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.read(); chunk; chunk = await this.read()) yield chunk;
  }
}

/** A network with pods in which images run, without a kubelet. */
export class ImageWorld {
  readonly clock = new MovableClock({ startAtMs: START });
  readonly fabric = new Fabric({ clock: this.clock, nodeIp: '172.18.0.2' });
  readonly #running = new Set<Process>();
  #ip = 1;

  pod(name: string): NetNs {
    return this.fabric.createNamespace({ ip: `10.244.0.${++this.#ip}`, name });
  }

  /** A name that resolves to a pod, as an external one: enough to try programs that call others by name. */
  name(name: string, net: NetNs): void {
    this.fabric.addExternalHost({
      name,
      ip: `203.0.113.${++this.#ip}`,
      onConnection: (connection, port) => {
        void net.dial('127.0.0.1', port).then(
          (inner) => {
            connection.pipe(inner).pipe(connection);
            connection.on('error', () => inner.destroy());
            inner.on('error', () => connection.destroy());
          },
          () => connection.reset(),
        );
      },
    });
  }

  start(
    image: Image,
    net: NetNs,
    options: {
      args?: string[];
      command?: string[];
      env?: Record<string, string>;
      files?: Record<string, string>;
      volumes?: { path: string; files: Record<string, string> }[];
      isMain?: boolean;
      tty?: Tty;
      sharing?: ContainerContext;
      tag?: string;
    } = {},
  ): Started {
    const stdout = new Output();
    const stderr = new Output();
    const stdin = new Input();
    const command = options.command ?? image.entrypoint;
    const mounts = (options.volumes ?? []).map(({ path, files }) => {
      const volume = new ScratchVolume();
      for (const [name, text] of Object.entries(files)) volume.write(name, Buffer.from(text));
      return { path, volume, readOnly: true };
    });
    const context: ContainerContext = {
      argv: [...command, ...(options.args ?? (options.command ? [] : image.cmd))],
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOSTNAME: net.name, ...image.env, ...options.env },
      cwd: image.workingDir ?? '/',
      uid: image.user,
      pod: {
        name: net.name,
        namespace: 'default',
        uid: 'u',
        serviceAccount: 'default',
        node: 'n',
        ip: net.ip,
      },
      container: 'c',
      isMain: options.isMain ?? true,
      clock: this.clock,
      net,
      files: options.sharing?.files ?? new ContainerTree({ ...image.files, ...options.files }, mounts),
      stdio: { stdin, stdout, stderr, ...(options.tty ? { tty: options.tty } : {}) },
      image: `docker.io/${image.repository}:${options.tag ?? 'latest'}`,
    };
    const process = image.start(context);
    if (!process) throw new Error(`no such program: ${context.argv.join(' ')}`);
    this.#running.add(process);
    return {
      process,
      context,
      stdout: () => stdout.text,
      stderr: () => stderr.text,
      printed: (pattern) => Promise.race([stdout.until(pattern), stderr.until(pattern)]),
      type: (text) => stdin.push(text),
      endInput: () => stdin.end(),
    };
  }

  /** One request from a pod. */
  call(net: NetNs, url: string, options: Parameters<typeof httpCall>[2] = {}): ReturnType<typeof httpCall> {
    return httpCall({ net, uid: 0, clock: this.clock }, url, options);
  }

  stop(): void {
    for (const running of this.#running) running.kill('SIGKILL');
    this.clock.stop();
  }
}
