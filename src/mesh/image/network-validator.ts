import { randomBytes } from 'node:crypto';
import { parseGoDuration } from '#base/go-duration.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';

const FAILED = 95;
const MODULE = 'linkerd_network_validator';

/** `host:port` of a flag, as the chart writes it. */
function addressOf(argv: string[], flag: string, otherwise: string): { text: string; host: string; port: number } {
  const at = argv.indexOf(flag);
  const text = at >= 0 ? (argv[at + 1] ?? otherwise) : otherwise;
  const [, host = '', port = '0'] = /^\[?(.+?)\]?:(\d+)$/.exec(text) ?? [];
  return { text, host, port: Number(port) };
}

/**
 * `linkerd2-network-validator`: where a CNI plugin is to have written the redirect, it sees whether it did. It dials an
 * address that nobody has and must meet itself. Ends with 0 when it did.
 */
export function startNetworkValidator(context: ContainerContext): Process {
  const { argv, net, uid, clock, stdio } = context;
  const log = (level: string, message: string) => {
    const at = new Date(clock.now()).toISOString().replace('Z', '000Z');
    void stdio.stdout.write(`${at} ${level.padStart(5)} ${MODULE}: ${message}\n`).catch(() => {});
  };
  const listen = addressOf(argv, '--listen-addr', '[::]:4140');
  const connect = addressOf(argv, '--connect-addr', '[fd00::1]:20001');
  const timeoutText = argv[argv.indexOf('--timeout') + 1] ?? '10s';
  const stop = new AbortController();
  const exited = validate();

  async function validate(): Promise<number> {
    const token = `${randomBytes(48).toString('base64url').slice(0, 63)}\n`;
    const listener = net.listen(listen.port, (connection) => connection.end(token), { uid });
    log('INFO', `Listening for connections on ${listen.text}`);
    log('INFO', `Connecting to ${connect.text}`);
    try {
      const connection = await net.dial(connect.host, connect.port, {
        uid,
        signal: stop.signal,
        timeoutMs: parseGoDuration(timeoutText) ?? 10_000,
      });
      let heard = '';
      for await (const chunk of connection) heard += String(chunk);
      if (heard !== token) throw new Error('somebody else answered');
      log('INFO', 'Validated');
      return 0;
    } catch {
      if (stop.signal.aborted) return FAILED;
      log(
        'ERROR',
        `Failed to validate networking configuration. Please ensure traffic redirection rules are rewriting traffic as expected. timeout=${timeoutText}`,
      );
      return FAILED;
    } finally {
      listener.close();
    }
  }
  return { exited, kill: () => stop.abort() };
}
