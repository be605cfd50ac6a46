import type { Connection } from '#kube/network/network.ts';
import type { Command, CommandContext } from '#shell/command.ts';
import type { ContainerContext } from '../program.ts';

const WORDS: Record<string, string> = {
  ECONNREFUSED: 'Connection refused',
  ETIMEDOUT: 'Operation timed out',
  EHOSTUNREACH: 'Host is unreachable',
  ECONNRESET: 'Connection reset by peer',
};

/** netcat: `nc [-zv] [-w SECONDS] HOST PORT`, `nc -l [-k] [-p] PORT`. */
export const nc = (context: ContainerContext): Command => ({
  name: 'nc',
  async execute(command) {
    const { args, stderr } = command;
    const flags = new Set<string>();
    const plain: string[] = [];
    let waitMs: number | undefined;
    let port: number | undefined;
    for (let i = 0; i < args.length; i++) {
      const word = args[i]!;
      if (!/^-\w+$/.test(word)) {
        plain.push(word);
        continue;
      }
      for (const letter of word.slice(1)) {
        if (letter === 'w') waitMs = Number(args[++i] ?? 0) * 1_000;
        else if (letter === 'p') port = Number(args[++i] ?? 0);
        else if ('lkzvn4'.includes(letter)) flags.add(letter);
        else {
          await stderr.write(`nc: unrecognized option: ${letter}\n`);
          return 1;
        }
      }
    }
    if (flags.has('l')) return listen(context, command, port ?? Number(plain.at(-1)), flags.has('k'));
    const [host, portWord] = plain;
    if (!host || !/^\d+$/.test(portWord ?? '')) {
      await stderr.write('Usage: nc [-zv] [-w SEC] HOST PORT\n       nc -l [-k] -p PORT\n');
      return 1;
    }
    return connect(context, command, host, Number(portWord), flags, waitMs);
  },
});

async function connect(
  context: ContainerContext,
  command: CommandContext,
  host: string,
  port: number,
  flags: Set<string>,
  waitMs: number | undefined,
): Promise<number> {
  const { stderr, signal } = command;
  let connection: Connection;
  try {
    const timeout = waitMs === undefined ? {} : { timeoutMs: waitMs };
    connection = await context.net.dial(host, port, { uid: context.uid, signal, ...timeout });
  } catch (error) {
    const { code = '' } = error as { code?: string };
    if (code === 'ENOTFOUND') await stderr.write(`nc: bad address '${host}'\n`);
    else if (flags.has('v') || !flags.has('z'))
      await stderr.write(`nc: ${host} (${host}:${port}): ${WORDS[code] ?? (error as Error).message}\n`);
    return 1;
  }
  if (flags.has('v')) await stderr.write(`${host} (${connection.originalDst.address}:${port}) open\n`);
  if (flags.has('z')) {
    connection.destroy();
    return 0;
  }
  return join(command, connection);
}

/** Joins the streams until the other side has ended. */
async function join({ stdin, stdout, stderr, signal }: CommandContext, connection: Connection): Promise<number> {
  const stop = () => connection.destroy();
  signal.addEventListener('abort', stop, { once: true });
  const sent = (async () => {
    for (let chunk = await stdin.read(signal); chunk; chunk = await stdin.read(signal)) {
      if (connection.destroyed) return;
      connection.write(chunk);
    }
    connection.end();
  })().catch(() => {});
  try {
    for await (const chunk of connection) await stdout.write(chunk as Buffer);
    return 0;
  } catch (error) {
    const { code = '' } = error as { code?: string };
    if (!signal.aborted) await stderr.write(`nc: ${WORDS[code] ?? (error as Error).message}\n`);
    return 1;
  } finally {
    signal.removeEventListener('abort', stop);
    connection.destroy();
    void sent;
  }
}

async function listen(
  context: ContainerContext,
  command: CommandContext,
  port: number,
  again: boolean,
): Promise<number> {
  do {
    const connection = await new Promise<Connection | undefined>((resolve) => {
      try {
        const listener = context.net.listen(port, (accepted) => {
          listener.close();
          resolve(accepted);
        });
        command.signal.addEventListener('abort', () => {
          listener.close();
          resolve(undefined);
        });
      } catch {
        resolve(undefined);
      }
    });
    if (!connection) {
      if (!command.signal.aborted) await command.stderr.write(`nc: bind: Address in use\n`);
      return 1;
    }
    await join(command, connection);
  } while (again && !command.signal.aborted);
  return 0;
}
