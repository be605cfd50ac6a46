import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '#base/errors.ts';
import { goListenError, goReply, type HttpService, type ServeOptions, serveHttp, targetOf } from './http-service.ts';
import { dieLikeGo, goLogTime, printer, type Running, startProcess } from './process.ts';
import type { ContainerContext, Process } from './program.ts';

/** What a Go program of ours has at hand. */
export interface GoProgram {
  readonly context: ContainerContext;
  readonly running: Running;
  /** `log.Printf`: standard error, with the time. */
  log(message: string): void;
  print(line: string): void;
  /** `log.Fatalf`. */
  fatal(message: string): void;
  /** Serves HTTP/1.1; ends the program when the port is taken. */
  http(port: number, handler: HttpHandler, options?: ServeOptions): HttpService | undefined;
}

export interface HttpExchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  reply(status: number, body: string | Uint8Array, headers?: Record<string, string>): void;
}

export type HttpHandler = (exchange: HttpExchange) => void | Promise<void>;

/** Starts a program that ends by signals as Go programs do which do not catch them. */
export function startGoProgram(context: ContainerContext, main: (program: GoProgram) => void): Process {
  const stdout = printer(context, 'stdout');
  const stderr = printer(context, 'stderr');
  return startProcess(context, (running) => {
    dieLikeGo(context, running);
    const log = (message: string) => stderr(`${goLogTime(context.clock.now())} ${message}`);
    const fatal = (message: string) => {
      log(message);
      running.exit(1);
    };
    main({
      context,
      running,
      log,
      print: stdout,
      fatal,
      http(port, handler, options) {
        const serve = async (request: IncomingMessage, response: ServerResponse) => {
          const reply: HttpExchange['reply'] = (status, body, headers) =>
            goReply(context.clock, response, status, body, headers);
          try {
            await handler({ request, response, url: targetOf(request), reply });
          } catch (error) {
            if (response.headersSent) response.destroy();
            else if (!running.signal.aborted) reply(500, `${messageOf(error)}\n`);
          }
        };
        try {
          const service = serveHttp(context.net, port, (request, response) => void serve(request, response), options);
          running.onEnd(() => service.close());
          return service;
        } catch (error) {
          fatal(goListenError(error, `:${port}`));
          return undefined;
        }
      },
    });
  });
}

/** JSON as Go's encoder writes it, with its escapes. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}

export const NOT_FOUND = '404 page not found\n';

/** Runs `work` every `periodMs` of the cluster's clock until the program ends; a run that takes longer delays the next. */
export async function every(
  { context, running }: GoProgram,
  periodMs: number,
  work: () => Promise<void>,
): Promise<void> {
  while (!running.signal.aborted) {
    await context.clock.sleep(periodMs, running.signal).catch(() => {});
    if (!running.signal.aborted) await work();
  }
}
