import { every, startGoProgram } from '../go-program.ts';
import { goDialError, httpCall } from '../http-call.ts';
import { printer } from '../process.ts';
import type { ContainerContext, Process } from '../program.ts';

/** It has a sweet tooth. */
const DOUGHNUT_SHARE = 0.15;

/** Votes once a second (REQUEST_RATE times in later versions), for a random emoji or a doughnut. */
export function startVoteBot(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const { env } = context;
    const host = env['WEB_HOST'];
    if (!host) return program.fatal('WEB_HOST environment variable must me set');
    const error = printer(context, 'stderr');
    const headers: Record<string, string> = { 'user-agent': 'Go-http-client/1.1' };
    if (env['HOST_OVERRIDE']) headers['host'] = env['HOST_OVERRIDE'];
    const { signal } = program.running;
    const get = async (path: string) => {
      try {
        return (await httpCall(context, `http://${host}${path}`, { headers, signal })).body.toString();
      } catch (failure) {
        throw new Error(`Get "http://${host}${path}": ${goDialError(failure, host)}`);
      }
    };
    const rate = Number(env['REQUEST_RATE'] ?? 1) || 1;
    void every(program, 1_000 / rate, async () => {
      try {
        const list = JSON.parse(await get('/api/list')) as { shortcode: string }[];
        const random = list[Math.floor(Math.random() * list.length)]?.shortcode ?? ':doughnut:';
        const choice = Math.random() < DOUGHNUT_SHARE ? ':doughnut:' : random;
        program.print(`✔ Voting for ${choice}`);
        await get(`/api/vote?choice=${choice}`);
      } catch (failure) {
        if (!signal.aborted) error((failure as Error).message);
      }
    });
  });
}
