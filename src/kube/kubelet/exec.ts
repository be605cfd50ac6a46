import { randomBytes } from 'node:crypto';
import type { NodeExec, NodeExecOptions } from '#kube/api/node.ts';
import { failure } from '#kube/api/status.ts';
import type { Stdio, TerminalSize } from '#shell/stdio.ts';
import type { Container } from './container.ts';
import type { ContainerRunner } from './container-runner.ts';
import { missingProgram } from './hooks.ts';
import { TerminalDriver } from './tty.ts';

/** Runs a command in a running container: one of its image's programs, with its files, network and environment. */
export function execIn(runner: ContainerRunner, options: NodeExecOptions): NodeExec {
  const { context, image } = runner.prepared!;
  const { command, tty, signal } = options;
  let kill: (name: NodeJS.Signals) => void = () => {};
  const driver = tty
    ? new TerminalDriver(options.stdio.stdin, options.stdio.stdout, tty.size, (name) => kill(name))
    : undefined;
  const stdio: Stdio = driver ? driver.stdio : options.stdio;
  const env = driver ? { ...context.env, TERM: 'xterm' } : context.env;
  const process = image.image.start({ ...context, env, argv: command, stdio });
  if (!process) {
    const id = randomBytes(32).toString('hex');
    const why = `error executing command in container: failed to exec in container: failed to start exec "${id}": ${missingProgram(command[0] ?? '')}`;
    return {
      exited: Promise.reject(failure('InternalError', `Internal error occurred: Internal error occurred: ${why}`)),
      resize() {},
    };
  }
  kill = (name) => process.kill(name);
  // Closing the connection leaves a process without its terminal; it gets the hangup that this means.
  const onAbort = () => process.kill('SIGHUP');
  signal?.addEventListener('abort', onAbort, { once: true });
  const stopped = runner.container.process?.exited.then(() => process.kill('SIGKILL'));
  void stopped;
  return {
    exited: process.exited.finally(() => signal?.removeEventListener('abort', onAbort)),
    resize: (size: TerminalSize) => driver?.resize(size),
  };
}

/** Follows a container's main process; what is typed reaches it when it has a standard input. */
export function attachTo(container: Container, options: Omit<NodeExecOptions, 'command'>): NodeExec {
  const { stdio, signal, tty } = options;
  container.attached.add(stdio.stdout);
  if (tty) container.terminal?.resize(tty.size);
  const input = container.stdin;
  if (input) {
    void (async () => {
      for await (const chunk of stdio.stdin) input.push(chunk);
      if (container.spec.stdinOnce) input.end();
    })().catch(() => {});
  }
  const left = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  const ended = container.process?.exited ?? Promise.resolve(0);
  return {
    exited: Promise.race([ended, left.then(() => 0)]).then((code) => {
      container.attached.delete(stdio.stdout);
      return code;
    }),
    resize: (size) => container.terminal?.resize(size),
  };
}
