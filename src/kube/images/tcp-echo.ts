import { startGoProgram } from './go-program.ts';
import type { ContainerContext, Image, Process } from './program.ts';

/** A line that does not end grows no further. */
const LONGEST_LINE = 65_536;

/** Answers every line of a TCP connection with a word and the line. */
function startTcpEcho(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const [, ports = '9000', word = 'hello'] = context.argv;
    for (const port of ports.split(',').map(Number)) {
      try {
        const listener = context.net.listen(port, (connection) => {
          let pending = '';
          connection.on('error', () => connection.destroy());
          connection.on('data', (chunk: Buffer) => {
            pending += chunk.toString('latin1');
            const lines = pending.split('\n');
            pending = lines.pop()!.slice(-LONGEST_LINE);
            for (const line of lines) {
              const answer = `${word} ${line}\n`;
              program.print(`request: ${line}`);
              program.print(`response: ${answer.trimEnd()}`);
              connection.write(Buffer.from(answer, 'latin1'));
            }
          });
          connection.on('end', () => connection.end());
        });
        program.running.onEnd(() => listener.close());
        program.print(`listening on [::]:${port}, prefix: ${word}`);
      } catch {
        return program.fatal(`failed to create listener, err: listen tcp :${port}: bind: address already in use`);
      }
    }
  });
}

/** `istio/tcp-echo-server`: for ports that speak no HTTP. */
export const tcpEchoImage: Image = {
  repository: 'istio/tcp-echo-server',
  summary: 'answers lines over TCP with a word in front: arguments `9000,9001 hello`',
  entrypoint: ['/bin/tcp-echo'],
  cmd: ['9000,9001,9002', 'hello'],
  user: 0,
  workingDir: '/',
  hasShell: false,
  start: (context) => (context.argv[0] === '/bin/tcp-echo' ? startTcpEcho(context) : undefined),
};
