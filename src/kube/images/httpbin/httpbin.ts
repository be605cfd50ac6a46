import { STATUS_CODES } from 'node:http';
import { startGoProgram } from '../go-program.ts';
import type { ContainerContext, Process } from '../program.ts';
import { answer } from './routes.ts';
import { type Flavour, Refusal, Session } from './session.ts';

/** httpbin in either form: mirrors requests, and answers as its path asks. */
export function startHttpbin(context: ContainerContext, flavour: Flavour): Process {
  return startGoProgram(context, (program) => {
    const flag = context.argv.findIndex((word) => word === '-port' || word === '--port');
    const given = flag >= 0 ? context.argv[flag + 1] : /:(\d+)$/.exec(context.argv.join(' '))?.[1];
    const port = Number(given ?? context.env['PORT'] ?? flavour.defaultPort);
    const isGo = flavour.name === 'go-httpbin';
    const time = () => new Date(context.clock.now()).toISOString();
    if (isGo) program.print(`time=${time()} level=INFO msg="go-httpbin listening on http://0.0.0.0:${port}"`);
    else program.log(`[INFO] Listening at: http://0.0.0.0:${port} (1)`);
    program.http(port, async (exchange) => {
      const session = new Session(exchange, program, flavour);
      const began = performance.now();
      try {
        await answer(session);
      } catch (error) {
        const code = error instanceof Refusal ? error.status : 500;
        if (exchange.response.headersSent || program.running.signal.aborted) exchange.response.destroy();
        else if (isGo)
          session.json({ status_code: code, error: STATUS_CODES[code], detail: (error as Error).message }, code);
        else
          session.send(code, `<title>${code} ${STATUS_CODES[code]}</title>\n<h1>${STATUS_CODES[code]}</h1>\n`, {
            'Content-Type': 'text/html',
          });
      }
      const { request, response } = exchange;
      if (!isGo) return;
      const took = (performance.now() - began).toFixed(1);
      const level = response.statusCode >= 500 ? 'ERROR' : response.statusCode >= 400 ? 'WARN' : 'INFO';
      program.print(
        `time=${time()} level=${level} msg="${response.statusCode} ${request.method} ${request.url} ${took}ms" status=${response.statusCode} method=${request.method} uri=${request.url} user_agent=${JSON.stringify(request.headers['user-agent'] ?? '')} client_ip=${session.origin}`,
      );
    });
  });
}
