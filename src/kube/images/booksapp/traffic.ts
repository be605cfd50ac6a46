import { formatGoDuration, GoFlagError, parseGoDuration, parseGoFlags } from '../go-flags.ts';
import { startGoProgram } from '../go-program.ts';
import { type CallResult, goDialError, httpCall } from '../http-call.ts';
import { ended, printer } from '../process.ts';
import type { ContainerContext, Process } from '../program.ts';

const USAGE = 'Usage: simulate-traffic [options] <target>\n       where <target> is host:port of web service';

/** A customer: makes an author, three books, changes and deletes them, without end. What fails is tried again. */
export function startTraffic(context: ContainerContext): Process {
  const error = printer(context, 'stderr');
  let flags: ReturnType<typeof parseGoFlags>;
  try {
    flags = parseGoFlags(context.argv.slice(1), { sleep: 'string', 'initial-delay': 'string' });
  } catch (failure) {
    error(failure instanceof GoFlagError ? failure.message : String(failure));
    return ended(2);
  }
  const [host] = flags.args;
  if (!host) {
    error(USAGE);
    return ended(1);
  }
  const sleepMs = parseGoDuration(flags.values.get('sleep') ?? '100ms') ?? 100;
  const delayMs = parseGoDuration(flags.values.get('initial-delay') ?? '1m') ?? 60_000;
  return startGoProgram(context, (program) => {
    const { signal } = program.running;
    const pause = (ms: number) => context.clock.sleep(ms, signal).catch(() => {});
    const send = async (
      method: string,
      path: string,
      form?: Record<string, string>,
    ): Promise<CallResult | undefined> => {
      const began = performance.now();
      const url = `http://${host}${path}`;
      let result: CallResult | undefined;
      try {
        result = await httpCall(context, url, {
          method,
          headers: form ? { 'content-type': 'application/x-www-form-urlencoded' } : {},
          ...(form ? { body: new URLSearchParams(form).toString() } : {}),
          signal,
        });
        program.print(`${formatGoDuration(performance.now() - began)}\t${result.status}\t${method}\t${url}`);
      } catch (failure) {
        if (!signal.aborted) program.print(`ERR\t${method}\t${url}\t${goDialError(failure, host)}`);
      }
      await pause(sleepMs);
      return result;
    };
    /** Posts until it is a redirect; the path that it leads to. A broken connection ends the program. */
    const post = async (what: string, path: string, form?: Record<string, string>): Promise<string> => {
      for (;;) {
        const result = await send('POST', path, form ?? {});
        if (signal.aborted) return '';
        if (!result) {
          error(`Failed to ${what}`);
          program.running.exit(1);
          return '';
        }
        if (result.status === 303) return new URL(result.headers.location ?? '/', `http://${host}`).pathname;
      }
    };
    const round = async () => {
      await send('GET', '/');
      const author = await post('create author', '/authors', { first_name: 'Ernest', last_name: 'Cline' });
      await send('GET', author);
      const author_id = author.split('/').at(-1)!;
      let book = '';
      for (const [title, pages] of [
        ['Ready Player One', '345'],
        ['Ready Player Two', '456'],
      ] as const) {
        if (signal.aborted) return;
        book = await post('create book', '/books', { title, author_id, pages });
        await send('GET', book);
      }
      if (signal.aborted) return;
      await post('edit book', `${book}/edit`, { title: 'Ready Player Three', author_id, pages: '567' });
      await post('delete book', `${book}/delete`);
      await post('delete author', `${author}/delete`);
    };
    const run = async () => {
      await pause(delayMs);
      while (!signal.aborted && (await send('GET', '/reset'))?.status !== 204);
      while (!signal.aborted) await round();
    };
    void run();
  });
}
