import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Command, CommandContext } from '#shell/command.ts';
import { type HttpService, remoteAddress, serveHttp, targetOf } from '../http-service.ts';
import type { ContainerContext } from '../program.ts';

const TYPES: Record<string, string> = {
  txt: 'text/plain',
  htm: 'text/html',
  html: 'text/html',
  css: 'text/css',
  png: 'image/png',
  svg: 'image/svg+xml',
};

const PAGES: Record<number, [reason: string, text: string]> = {
  400: ['Bad Request', 'Unsupported method'],
  404: ['Not Found', 'The requested URL was not found'],
  501: ['Not Implemented', 'The requested method is not recognized'],
};

/** BusyBox's httpd in the foreground, for files: `httpd -f [-v[v]] [-p PORT] [-h HOME]`. */
export const httpd = (context: ContainerContext): Command => ({
  name: 'httpd',
  async execute(command) {
    const { args, stderr, fs, cwd, signal } = command;
    const call = { port: 80, home: cwd, verbose: 0, foreground: false };
    for (let i = 0; i < args.length; i++) {
      const word = args[i]!;
      if (word === '-p') call.port = Number(args[++i]?.split(':').at(-1));
      else if (word === '-h') call.home = fs.resolvePath(cwd, args[++i] ?? '');
      else if (/^-[fv]+$/.test(word)) {
        call.verbose += word.split('v').length - 1;
        call.foreground ||= word.includes('f');
      } else return refuse(command, `unknown here: ${word}; here are -f, -v, -p PORT and -h HOME`);
    }
    if (!Number.isInteger(call.port)) return refuse(command, 'invalid port');
    if (!call.foreground) return refuse(command, 'here it stays in the foreground; add -f');
    if (!(await fs.exists(call.home)))
      return refuse(command, `can't change directory to '${call.home}': No such file or directory`);
    const say = (request: IncomingMessage, what: string) =>
      void stderr.write(`[::ffff:${remoteAddress(request).replace(/:(\d+)$/, ']:$1')}: ${what}\n`).catch(() => {});
    let service: HttpService;
    try {
      service = serveHttp(context.net, call.port, (request, response) => {
        request.resume();
        if (call.verbose > 1) say(request, `url:${targetOf(request).pathname}`);
        void answer(context, command, call.home, request, response).then((status) => {
          if (call.verbose > 0) say(request, `response:${status}`);
        });
      });
    } catch {
      return refuse(command, 'bind: Address already in use');
    }
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    service.close();
    return 0;
  },
});

async function refuse({ stderr }: CommandContext, what: string): Promise<number> {
  await stderr.write(`httpd: ${what}\n`);
  return 1;
}

/** Resolves with the status that was sent. */
async function answer(
  { clock }: ContainerContext,
  { fs }: CommandContext,
  home: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number> {
  response.sendDate = false;
  response.setHeader('Date', new Date(clock.now()).toUTCString());
  response.setHeader('Connection', 'close');
  const page = (status: number): number => {
    const [reason, text] = PAGES[status]!;
    const heading = `${status} ${reason}`;
    response.setHeader('Content-type', 'text/html');
    response.statusCode = status;
    response.end(`<HTML><HEAD><TITLE>${heading}</TITLE></HEAD>\n<BODY><H1>${heading}</H1>\n${text}\n</BODY></HTML>\n`);
    return status;
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') return page(501);
  const { pathname } = targetOf(request);
  if ((request.url ?? '').split('/').includes('..')) return page(400);
  let path = fs.resolvePath(home, `.${decodeURIComponent(pathname)}`);
  try {
    if ((await fs.stat(path)).isDirectory) {
      if (!pathname.endsWith('/')) {
        response.setHeader('Content-type', 'text/html');
        response.setHeader('Location', `${pathname}/`);
        response.statusCode = 302;
        response.end();
        return 302;
      }
      path = `${path}/index.html`;
    }
    const content = await fs.readFileBuffer(path);
    const seconds = Math.floor((await fs.stat(path)).mtime.getTime() / 1_000);
    const type = TYPES[path.split('.').at(-1) ?? ''];
    if (type) response.setHeader('Content-type', type);
    response.setHeader('Accept-Ranges', 'bytes');
    response.setHeader('Last-Modified', new Date(seconds * 1_000).toUTCString());
    response.setHeader('ETag', `"${seconds.toString(16)}-${content.length.toString(16)}"`);
    response.setHeader('Content-Length', content.length);
    response.end(request.method === 'HEAD' ? undefined : content);
    return 200;
  } catch {
    return page(404);
  }
}
