import type { Command } from '#shell/command.ts';
import { httpCall } from '../http-call.ts';
import type { ContainerContext } from '../program.ts';

const WORDS: Record<string, string> = {
  ECONNREFUSED: 'Connection refused',
  ETIMEDOUT: 'download timed out',
  EHOSTUNREACH: 'Host is unreachable',
  ECONNRESET: 'error getting response: Connection reset by peer',
};

interface WgetCall {
  quiet: boolean;
  showHeaders: boolean;
  spider: boolean;
  output?: string;
  headers: Record<string, string>;
  post?: string;
  timeoutMs?: number;
  url?: string;
}

function read(args: string[]): WgetCall | string {
  const call: WgetCall = { quiet: false, showHeaders: false, spider: false, headers: {} };
  for (let i = 0; i < args.length; i++) {
    const [word = '', inline] = args[i]!.startsWith('--') ? args[i]!.split(/=(.*)/s) : [args[i]];
    const value = () => inline ?? args[++i] ?? '';
    if (word === '--header') {
      const [name = '', content = ''] = value().split(/:\s*(.*)/s);
      call.headers[name.toLowerCase()] = content;
    } else if (word === '--post-data') call.post = value();
    else if (word === '--spider') call.spider = true;
    else if (word === '--timeout') call.timeoutMs = Number(value()) * 1_000;
    else if (word === '--no-check-certificate' || word === '--tries') {
      if (word === '--tries') value();
    } else if (/^-[a-zA-Z]/.test(word)) {
      const letters = word.slice(1);
      for (let at = 0; at < letters.length; at++) {
        const letter = letters[at]!;
        const rest = () => {
          const given = letters.slice(at + 1) || args[++i] || '';
          at = letters.length;
          return given;
        };
        if (letter === 'q') call.quiet = true;
        else if (letter === 'S') call.showHeaders = true;
        else if (letter === 'O') call.output = rest();
        else if (letter === 'T') call.timeoutMs = Number(rest()) * 1_000;
        else if (letter === 't') rest();
        else if (letter === 'U') call.headers['user-agent'] = rest();
        else if (letter !== 'c') return `wget: unrecognized option: ${letter}`;
      }
    } else if (word.startsWith('--')) return `wget: unrecognized option: ${word.slice(2)}`;
    else call.url = /^[a-z]+:\/\//.test(word) ? word : `http://${word}`;
  }
  return call;
}

/** BusyBox's wget, for http. */
export const wget = (context: ContainerContext): Command => ({
  name: 'wget',
  async execute({ args, stdout, stderr, fs, cwd, signal }) {
    const call = read(args);
    if (typeof call === 'string' || !call.url) {
      await stderr.write(`${typeof call === 'string' ? call : 'Usage: wget [-qS] [-O FILE] [-T SEC] URL'}\n`);
      return 1;
    }
    const say = (line: string) => (call.quiet ? Promise.resolve() : stderr.write(`${line}\n`));
    let url = call.url;
    for (let hops = 0; hops < 5; hops++) {
      const { hostname, host, protocol, pathname } = new URL(url);
      if (protocol !== 'http:') {
        await stderr.write(`wget: not an http url: ${url}\n`);
        return 1;
      }
      try {
        await say(`Connecting to ${host}`);
        const result = await httpCall(context, url, {
          method: call.post === undefined ? 'GET' : 'POST',
          headers: { 'user-agent': 'Wget', connection: 'close', ...call.headers },
          ...(call.post === undefined ? {} : { body: call.post }),
          ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
          signal,
        });
        if (call.showHeaders) {
          await stderr.write(`  HTTP/1.1 ${result.status} ${result.reason}\n`);
          for (const [name, value] of Object.entries(result.headers)) await stderr.write(`  ${name}: ${value}\n`);
        }
        if (result.status >= 300 && result.status < 400 && result.headers.location) {
          url = new URL(result.headers.location, url).href;
          continue;
        }
        if (result.status >= 400) {
          await stderr.write(`wget: server returned error: HTTP/1.1 ${result.status} ${result.reason}\n`);
          return 1;
        }
        if (call.spider) {
          await say('remote file exists');
          return 0;
        }
        const name = call.output ?? (pathname.split('/').pop() || 'index.html');
        if (name === '-') {
          await say('writing to stdout');
          await stdout.write(result.body);
        } else {
          await say(`saving to '${name}'`);
          await fs.writeFile(fs.resolvePath(cwd, name), result.body);
          await say(`'${name}' saved`);
        }
        return 0;
      } catch (error) {
        signal.throwIfAborted();
        const { code = '', message } = error as { code?: string; message: string };
        if (code === 'ENOTFOUND') await stderr.write(`wget: bad address '${host}'\n`);
        else if (code === 'ETIMEDOUT') await stderr.write('wget: download timed out\n');
        else if (code === 'ECONNRESET') await stderr.write(`wget: ${WORDS[code]}\n`);
        else await stderr.write(`wget: can't connect to remote host (${hostname}): ${WORDS[code] ?? message}\n`);
        return 1;
      }
    }
    await stderr.write('wget: too many redirections\n');
    return 1;
  },
});
