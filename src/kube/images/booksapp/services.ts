import type { GoProgram, HttpExchange } from '../go-program.ts';
import { startGoProgram } from '../go-program.ts';
import { httpCall } from '../http-call.ts';
import { bodyOf } from '../http-service.ts';
import type { ContainerContext, Process } from '../program.ts';
import { SEEDS, Table } from './records.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };

type Errors = Record<string, string[]>;

interface Resource {
  /** `authors` or `books`: the path, and the name in the URL. */
  name: string;
  table: Table;
  editable: string[];
  /** What is wrong with a record; empty when nothing is. */
  validate(fields: Record<string, unknown>, id?: number): Promise<Errors> | Errors;
  beforeDelete?(id: number): Promise<void>;
}

/** Serves a resource as JSON: list, show, create, update, delete. */
function serve(program: GoProgram, port: number, resource: Resource): void {
  const { context } = program;
  const { name, table } = resource;
  const failureRate = Number(context.env['FAILURE_RATE'] ?? 0) || 0;
  const item = new RegExp(`^/${name}/(\\d+)\\.json$`);

  const handle = async ({ request, url, reply }: HttpExchange): Promise<void> => {
    const { method } = request;
    if (url.pathname === '/ping') return reply(200, 'pong', { 'Content-Type': 'text/plain' });
    // The deliberate fault: questions whether something exists go wrong at this rate.
    if (method === 'HEAD' && failureRate > 0 && Math.random() <= failureRate) return reply(503, '');
    const send = (status: number, value: unknown, headers = {}) =>
      reply(status, JSON.stringify(value), { ...JSON_TYPE, ...headers });
    const given = async () => {
      const parsed = JSON.parse((await bodyOf(request)).toString() || '{}') as Record<string, unknown>;
      return Object.fromEntries(Object.entries(parsed).filter(([field]) => resource.editable.includes(field)));
    };
    if (url.pathname === `/${name}.json`) {
      if (method === 'GET' || method === 'HEAD') {
        const { order, ...filter } = Object.fromEntries(url.searchParams);
        return send(200, table.where(filter, order));
      }
      if (method === 'POST') {
        const fields = await given();
        const errors = await resource.validate(fields);
        if (Object.keys(errors).length > 0) return send(422, errors);
        const row = table.add(fields);
        return send(201, row, { Location: `/${name}/${row.id}.json` });
      }
    }
    const id = Number(item.exec(url.pathname)?.[1] ?? 0);
    const row = table.get(id);
    if (!row) return reply(404, '');
    if (method === 'GET' || method === 'HEAD') return send(200, row);
    if (method === 'PUT') {
      const fields = { ...row, ...(await given()) };
      const errors = await resource.validate(fields, id);
      if (Object.keys(errors).length > 0) return send(422, errors);
      return send(200, table.update(id, fields), { Location: `/${name}/${id}.json` });
    }
    if (method === 'DELETE') {
      await resource.beforeDelete?.(id);
      table.delete(id);
      return reply(204, '');
    }
    return reply(404, '');
  };
  program.http(port, async (exchange) => {
    const began = performance.now();
    await handle(exchange).catch((error: Error) => {
      program.print(`${error.name} - ${error.message}`);
      exchange.reply(500, '');
    });
    logRequest(program, exchange, began);
  });
  program.print(`== Sinatra has taken the stage on ${port} for production`);
}

/** A line of access log as the framework prints it. */
export function logRequest(program: GoProgram, { request, response }: HttpExchange, began: number): void {
  const at = new Date(program.context.clock.now()).toISOString().slice(0, 19).replace('T', ' ');
  const who = request.socket.remoteAddress;
  const took = ((performance.now() - began) / 1_000).toFixed(4);
  program.print(
    `${who} - - [${at} +0000] "${request.method} ${request.url} HTTP/1.1" ${response.statusCode} - ${took}`,
  );
}

const blank = (value: unknown): boolean => value === undefined || value === null || String(value).trim() === '';

/** `prod:authors` */
export function startAuthors(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const table = new Table();
    for (const { first, last } of SEEDS) table.add({ first_name: first, last_name: last });
    const books = context.env['BOOKS_SITE'] ?? 'http://localhost:7002';
    serve(program, Number(context.env['PORT'] ?? 7001), {
      name: 'authors',
      table,
      editable: ['first_name', 'last_name'],
      validate(fields, id) {
        const errors: Errors = {};
        for (const field of ['first_name', 'last_name']) if (blank(fields[field])) errors[field] = ["can't be blank"];
        const same = table.where({ first_name: String(fields['first_name']), last_name: String(fields['last_name']) });
        if (same.some((row) => row.id !== id)) errors['first_name'] = ['and last name are not unique'];
        return errors;
      },
      async beforeDelete(id) {
        const { signal } = program.running;
        const { body } = await httpCall(context, `${books}/books.json?author_id=${id}`, { signal });
        for (const book of JSON.parse(body.toString()) as { id: number }[])
          await httpCall(context, `${books}/books/${book.id}.json`, { method: 'DELETE', signal });
      },
    });
  });
}

/** `prod:books` */
export function startBooks(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const table = new Table();
    for (const [index, { books }] of SEEDS.entries())
      for (const [title, pages] of books) table.add({ title, pages, author_id: index + 1 });
    const authors = context.env['AUTHORS_SITE'] ?? 'http://localhost:7001';
    serve(program, Number(context.env['PORT'] ?? 7002), {
      name: 'books',
      table,
      editable: ['title', 'pages', 'author_id'],
      async validate(fields) {
        const errors: Errors = {};
        for (const field of ['title', 'pages']) if (blank(fields[field])) errors[field] = ["can't be blank"];
        if (!(Number(fields['pages']) > 0)) errors['pages'] = [...(errors['pages'] ?? []), 'must be greater than 0'];
        const url = `${authors}/authors/${fields['author_id']}.json`;
        const { status } = await httpCall(context, url, { method: 'HEAD', signal: program.running.signal });
        if (status === 404) errors['author_id'] = ['does not exist'];
        else if (status >= 400)
          throw new Error(`Failed.  Response code = ${status}.  Response message = Service Unavailable.`);
        return errors;
      },
    });
  });
}
