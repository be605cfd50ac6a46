import type { KubeObject } from '#kube/api/types.ts';
import type { ExecOptions } from '#kube/client/client.ts';
import { CliError, isStatus } from './errors.ts';
import { defaultContainer, namedObject, podsSoon } from './pods-of.ts';
import type { Invocation } from './verb.ts';

async function podMeant(k: Invocation, word: string): Promise<KubeObject> {
  return (await podsSoon(k, await namedObject(k, word)))[0]!;
}

export async function exec(k: Invocation): Promise<number> {
  const { args, flags } = k;
  if (args.length === 0 || flags.dash === 0) throw new CliError('pod, type/name or --filename must be specified');
  if (flags.dash < 0 && args.length > 1) {
    throw new CliError(
      "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl exec -h' for help and examples",
    );
  }
  const command = args.slice(1);
  if (command.length === 0) throw new CliError('you must specify at least one command for the container');
  const pod = await podMeant(k, args[0]!);
  if (['Succeeded', 'Failed'].includes(pod['status']?.phase)) {
    throw new CliError(`cannot exec into a container in a completed pod; current phase is ${pod['status'].phase}`);
  }
  const container = flags.get('container') || (await defaultContainer(k, pod));
  return run(k, pod, container, (streams) => k.client.exec({ ...streams, command }));
}

export async function attach(k: Invocation): Promise<number> {
  const { args, flags } = k;
  if (args.length === 0)
    throw new CliError("at least 1 argument is required for attach\nSee 'kubectl attach -h' for help and examples");
  const pod = await podMeant(k, args[0]!);
  if (['Succeeded', 'Failed'].includes(pod['status']?.phase)) {
    throw new CliError(`cannot attach a container in a completed pod; current phase is ${pod['status'].phase}`);
  }
  const container = flags.get('container') || (await defaultContainer(k, pod));
  return attachTo(k, pod, container);
}

export async function attachTo(k: Invocation, pod: KubeObject, container: string): Promise<number> {
  if (!k.flags.bool('quiet')) {
    await k.err(
      "All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\nIf you don't see a command prompt, try pressing enter.\n",
    );
  }
  return run(k, pod, container, (streams) => k.client.attach(streams));
}

type Streams = Omit<ExecOptions, 'command'>;

/** Connects the terminal to a container: raw keys and sizes with -t, plain streams without. */
async function run(
  k: Invocation,
  pod: KubeObject,
  container: string,
  start: (streams: Streams) => Promise<number>,
): Promise<number> {
  const { context, flags } = k;
  const wantsTty = flags.bool('tty');
  const tty = wantsTty ? context.tty : undefined;
  if (wantsTty && !tty) await k.err('Unable to use a TTY - input is not a terminal or the right kind of file\n');
  const restore = tty && flags.bool('stdin') ? tty.setRaw() : undefined;
  const ended = new AbortController();
  // What the command printed last is still on its way when its exit code comes.
  let written = Promise.resolve();
  const to = (writer: typeof context.stdout) => (chunk: Uint8Array) => {
    written = written.then(() => writer.write(chunk)).catch(() => {});
  };
  try {
    const code = await start({
      namespace: pod.metadata.namespace ?? k.namespace,
      pod: pod.metadata.name!,
      container,
      stdout: to(context.stdout),
      stderr: to(context.stderr),
      ...(flags.bool('stdin') ? { stdin: untilEnded(context.stdin, ended.signal) } : {}),
      ...(tty ? { tty: true, resize: sizes(tty, ended.signal) } : {}),
      signal: context.signal,
    });
    await written;
    if (code !== 0) await k.err(`command terminated with exit code ${code}\n`);
    return code;
  } catch (error) {
    if (isStatus(error, 'InternalError')) throw new CliError(error.message);
    throw error;
  } finally {
    ended.abort();
    restore?.();
  }
}

/** Input for as long as the command runs: what is typed after that belongs to the shell again. */
async function* untilEnded(
  stdin: { read(signal?: AbortSignal): Promise<Uint8Array | undefined> },
  signal: AbortSignal,
) {
  while (!signal.aborted) {
    const chunk = await stdin.read(signal).catch(() => undefined);
    if (chunk === undefined) return;
    yield chunk;
  }
}

async function* sizes(tty: NonNullable<Invocation['context']['tty']>, signal: AbortSignal) {
  yield tty.size;
  let wake: (() => void) | undefined;
  let changed = false;
  const off = tty.onResize(() => {
    changed = true;
    wake?.();
  });
  signal.addEventListener('abort', () => wake?.(), { once: true });
  try {
    while (!signal.aborted) {
      if (!changed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      changed = false;
      if (!signal.aborted) yield tty.size;
    }
  } finally {
    off();
  }
}
