import { type HttpExchange, startGoProgram } from '../go-program.ts';
import { httpCall } from '../http-call.ts';
import { bodyOf } from '../http-service.ts';
import type { ContainerContext, Process } from '../program.ts';
import type { Row } from './records.ts';
import { logRequest } from './services.ts';

const htmlOf = (value: unknown): string => String(value).replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

const layout = (body: string): string =>
  `<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8"><title>The Buoyant Bookstore</title></head>\n<body>\n${body}\n</body>\n</html>\n`;

/** A backend that did not answer well. */
class BackendError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`Failed.  Response code = ${status}.`);
    this.status = status;
  }
}

const HTML = { 'Content-Type': 'text/html;charset=utf-8' };

/** `prod:webapp`: the shop's pages, on the JSON of authors and books. */
export function startWebapp(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const { env } = context;
    const sites: Record<string, string> = {
      authors: env['AUTHORS_SITE'] ?? 'http://localhost:7001',
      books: env['BOOKS_SITE'] ?? 'http://localhost:7002',
    };
    const port = Number(env['PORT'] ?? 7000);

    const ask = async (method: string, kind: string, path: string, fields?: object) => {
      const result = await httpCall(context, `${sites[kind]}/${kind}${path}`, {
        method,
        headers: { accept: 'application/json', ...(fields ? { 'content-type': 'application/json' } : {}) },
        ...(fields ? { body: JSON.stringify(fields) } : {}),
        signal: program.running.signal,
      });
      if (result.status >= 400 && result.status !== 422) throw new BackendError(result.status);
      const text = result.body.toString();
      return { status: result.status, value: text ? (JSON.parse(text) as unknown) : undefined };
    };
    const all = async (kind: string, query: string) => (await ask('GET', kind, `.json?${query}`)).value as Row[];
    const one = async (kind: string, id: string | number) => (await ask('GET', kind, `/${id}.json`)).value as Row;
    const name = (author: Row) => `${author['first_name']} ${author['last_name']}`;

    const redirect = ({ request, reply }: HttpExchange, path: string) =>
      reply(303, '', { ...HTML, Location: `http://${request.headers.host ?? 'localhost'}${path}` });
    const show = ({ reply }: HttpExchange, body: string) => reply(200, layout(body), HTML);
    const form = async ({ request, url }: HttpExchange) =>
      Object.fromEntries([...url.searchParams, ...new URLSearchParams((await bodyOf(request)).toString())]);

    const index = async (exchange: HttpExchange) => {
      const books = await all('books', 'order=lower(title)');
      const authors = await all('authors', 'order=lower(last_name)');
      const byId = new Map(authors.map((author) => [author.id, author]));
      const list = books.map((book) => {
        const author = byId.get(Number(book['author_id']));
        return `<li><a href="/books/${book.id}">${htmlOf(book['title'])}</a> ${author ? htmlOf(name(author)) : ''}</li>`;
      });
      const names = authors.map((author) => `<li><a href="/authors/${author.id}">${htmlOf(name(author))}</a></li>`);
      show(
        exchange,
        `<h1>Books</h1>\n<ul>\n${list.join('\n')}\n</ul>\n<h1>Authors</h1>\n<ul>\n${names.join('\n')}\n</ul>`,
      );
    };
    const create = async (exchange: HttpExchange, kind: string) => {
      const { status, value } = await ask('POST', kind, '.json', await form(exchange));
      redirect(exchange, status === 201 ? `/${kind}/${(value as Row).id}` : '/');
    };
    const handle = async (exchange: HttpExchange): Promise<void> => {
      const { request, url, reply } = exchange;
      const isPost = request.method === 'POST';
      const { pathname } = url;
      if (pathname === '/ping') return reply(200, 'pong', { 'Content-Type': 'text/plain' });
      if (pathname === '/') return index(exchange);
      if (pathname === '/reset') {
        for (const author of await all('authors', 'last_name=Cline'))
          await ask('DELETE', 'authors', `/${author.id}.json`);
        return reply(204, '');
      }
      const [, kind = '', id = '', action = ''] =
        /^\/(authors|books)(?:\/(\d+))?(?:\/(edit|delete))?$/.exec(pathname) ?? [];
      if (!kind) return reply(404, layout('<h1>Not Found</h1>'), HTML);
      if (!id) return isPost ? create(exchange, kind) : reply(404, layout('<h1>Not Found</h1>'), HTML);
      if (isPost && action === 'delete') {
        await ask('DELETE', kind, `/${id}.json`);
        return redirect(exchange, '/');
      }
      const row = await one(kind, id);
      if (isPost && action === 'edit') {
        await ask('PUT', kind, `/${id}.json`, await form(exchange));
        return redirect(exchange, `/${kind}/${id}`);
      }
      if (kind === 'authors') {
        const books = await all('books', `author_id=${id}&order=lower(title)`);
        const list = books.map((book) => `<li><a href="/books/${book.id}">${htmlOf(book['title'])}</a></li>`);
        return show(exchange, `<h1>${htmlOf(name(row))}</h1>\n<ul>\n${list.join('\n')}\n</ul>`);
      }
      const author = await one('authors', Number(row['author_id']));
      show(exchange, `<h1>${htmlOf(row['title'])}</h1>\n<p>${htmlOf(name(author))}, ${htmlOf(row['pages'])} pages</p>`);
    };
    program.http(port, async (exchange) => {
      const began = performance.now();
      try {
        await handle(exchange);
      } catch (error) {
        if (error instanceof BackendError && error.status === 404) redirect(exchange, '/');
        else {
          program.print(`${(error as Error).name} - ${(error as Error).message}`);
          exchange.reply(500, '<h1>Internal Server Error</h1>', HTML);
        }
      }
      logRequest(program, exchange, began);
    });
    program.print(`== Sinatra has taken the stage on ${port} for production`);
  });
}
