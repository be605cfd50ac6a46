import type { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { Emitter } from '#base/events.ts';

/** What is sent to open pages: `changed` makes them load again, `problem` is a line that says why they do not. */
type PreviewEvents = { changed: string; problem: string };

/** A comment in the stream this often keeps proxies from closing it, ms. */
const STILL_HERE_MS = 20_000;

/** Loads the page again when the academy says that it changed. A server that went away is asked again by itself. */
const SCRIPT = `const news = new EventSource('/api/preview');
news.addEventListener('changed', () => location.reload());
news.addEventListener('problem', (event) => console.warn(event.data));
`;

/** Tells the pages of an author's academy that lessons or labs were built again. */
export class Preview {
  readonly #news = new Emitter<PreviewEvents>();

  /** Everything was built again: pages load anew. `what` names the file that changed. */
  changed(what: string): void {
    this.#news.emit('changed', what);
  }

  /** The new state could not be built; pages stay as they are. */
  problem(text: string): void {
    this.#news.emit('problem', text);
  }

  /** Adds the stream, the script that listens to it, and the script's tag in every page. */
  addTo(app: Hono): void {
    app.get('/api/preview', (c) =>
      streamSSE(c, async (stream) => {
        const send = (event: keyof PreviewEvents) => (data: string) => void stream.writeSSE({ event, data });
        const offs = [this.#news.on('changed', send('changed')), this.#news.on('problem', send('problem'))];
        stream.onAbort(() => {
          for (const off of offs) off();
        });
        while (!stream.aborted) {
          await stream.write(': still here\n\n');
          // Not worth keeping a process for that wants to end.
          await new Promise<void>((resolve) => setTimeout(resolve, STILL_HERE_MS).unref());
        }
      }),
    );
    app.get('/preview.js', (c) =>
      c.body(SCRIPT, 200, { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-store' }),
    );
    app.use('/*', async (c, next) => {
      await next();
      if (!c.res.headers.get('content-type')?.startsWith('text/html')) return;
      const page = await c.res.text();
      const { status, headers } = c.res;
      c.res = undefined;
      const kept = new Headers(headers);
      kept.delete('content-length');
      c.res = new Response(page.replace('</body>', '<script src="/preview.js"></script></body>'), {
        status,
        headers: kept,
      });
    });
  }
}
