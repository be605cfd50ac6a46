import { startGoProgram } from '../go-program.ts';
import { encodeFields } from '../grpc/protobuf.ts';
import { type GrpcHandler, serveGrpc } from '../grpc/server.ts';
import type { ContainerContext, Process } from '../program.ts';
import { EMOJI, methodOf } from './emoji.ts';

const DOUGHNUT = ':doughnut:';
/** Up to this version a vote for the doughnut always fails; later ones ask FAILURE_RATE. */
const ALWAYS_FAILS_UP_TO = 11;

/** `emojivoto.v1.VotingService`: counts votes, with its deliberate fault. */
export function startVotingService(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const { env, clock } = context;
    const port = env['GRPC_PORT'] ?? '';
    if (!port)
      return program.fatal(`GRPC_PORT (currently [${port}]) environment variable must me set to run the server.`);
    const version = Number(/:v(\d+)$/.exec(context.image)?.[1] ?? ALWAYS_FAILS_UP_TO);
    const failureRate = version <= ALWAYS_FAILS_UP_TO ? 1 : Number(env['FAILURE_RATE'] ?? 0);
    const delayMs = version <= ALWAYS_FAILS_UP_TO ? 0 : Number.parseInt(env['ARTIFICIAL_DELAY'] ?? '0', 10) || 0;
    const votes = new Map<string, number>();

    const vote =
      (shortcode: string): GrpcHandler =>
      async ({ signal }) => {
        if (shortcode === DOUGHNUT) {
          if (Math.random() < failureRate) {
            program.log('logging an error for doughnut');
            throw new Error('ERROR');
          }
          program.log('voting for doughnut');
        }
        if (delayMs > 0) await clock.sleep(delayMs, signal);
        votes.set(shortcode, (votes.get(shortcode) ?? 0) + 1);
        program.log(`Voted for [${shortcode}], which now has a total of [${votes.get(shortcode)}] votes`);
        return new Uint8Array();
      };
    const methods: Record<string, GrpcHandler> = {
      '/emojivoto.v1.VotingService/Results': () => {
        const sorted = [...votes].sort(([, a], [, b]) => b - a);
        return encodeFields(
          sorted.map(([shortcode, count]) => [
            1,
            encodeFields([
              [1, shortcode],
              [2, count],
            ]),
          ]),
        );
      },
    };
    for (const { shortcode } of EMOJI) methods[methodOf(shortcode)] = vote(shortcode);
    const service = serveGrpc(context.net, Number(port), methods);
    program.running.onEnd(() => service.close());
    program.log(`Starting grpc server on GRPC_PORT=[${port}]`);

    const metrics = env['PROM_PORT'];
    if (!metrics) return;
    program.log(`Starting prom metrics on PROM_PORT=[${metrics}]`);
    program.http(Number(metrics), ({ url, reply }) => {
      if (url.pathname !== '/metrics') return reply(404, '404 page not found\n');
      const lines = [...votes].map(([shortcode, count]) => `emojivoto_votes_total{emoji="${shortcode}"} ${count}\n`);
      const head = '# HELP emojivoto_votes_total Number of votes, by emoji\n# TYPE emojivoto_votes_total counter\n';
      reply(200, head + lines.join(''), { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' });
    });
  });
}
