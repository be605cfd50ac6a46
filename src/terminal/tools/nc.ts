import type { Duplex } from 'node:stream';
import type { Command } from '#shell/command.ts';

type Dial = (host: string, port: number, signal: AbortSignal) => Promise<Duplex>;

/** `nc HOST PORT` and `nc -z HOST PORT`, as netcat-openbsd talks; it does not listen. */
export function createNetcat(dial: Dial): Command {
  return { name: 'nc', summary: 'talk to a port of 127.0.0.1', execute: (context) => run(dial, context) };
}

async function run(dial: Dial, context: Parameters<Command['execute']>[0]): Promise<number> {
  const { args, stdin, stdout, stderr, signal } = context;
  const flags = args.filter((arg) => arg.startsWith('-')).join('');
  const [host, port] = args.filter((arg) => !arg.startsWith('-'));
  if (/[lu]/.test(flags)) {
    await stderr.write('nc: this nc connects over TCP only (-z, -v)\n');
    return 1;
  }
  if (!host || !port || !/^\d+$/.test(port)) {
    await stderr.write('usage: nc [-vz] host port\n');
    return 1;
  }
  let connection: Duplex;
  try {
    connection = await dial(host, Number(port), signal);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ENOTFOUND')
      await stderr.write(`nc: getaddrinfo for host "${host}" port ${port}: Name or service not known\n`);
    else if (code === 'EHOSTUNREACH' || flags.includes('v'))
      await stderr.write(
        `nc: connect to ${host} port ${port} (tcp) failed: ${code === 'ECONNREFUSED' ? 'Connection refused' : 'No route to host'}\n`,
      );
    return 1;
  }
  if (flags.includes('v')) await stderr.write(`Connection to ${host} ${port} port [tcp/*] succeeded!\n`);
  if (flags.includes('z')) {
    connection.destroy();
    return 0;
  }
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  void (async () => {
    try {
      for (let chunk = await stdin.read(either); chunk; chunk = await stdin.read(either)) connection.write(chunk);
      connection.end();
    } catch {
      // The other side closed, or Ctrl-C: there is nothing left to send.
    }
  })();
  try {
    for await (const chunk of connection) await stdout.write(chunk as Buffer);
    return 0;
  } catch {
    signal.throwIfAborted();
    return 1;
  } finally {
    done.abort();
    connection.destroy();
  }
}
