import { startGoProgram } from '../go-program.ts';
import { encodeFields, textOf } from '../grpc/protobuf.ts';
import { serveGrpc } from '../grpc/server.ts';
import type { ContainerContext, Process } from '../program.ts';
import { EMOJI, type Emoji } from './emoji.ts';

const encodeEmoji = ({ unicode, shortcode }: Emoji) =>
  encodeFields([
    [1, unicode],
    [2, shortcode],
  ]);

/** `emojivoto.v1.EmojiService`: the list of candidates. */
export function startEmojiService(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const port = context.env['GRPC_PORT'] ?? '';
    if (!port)
      return program.fatal(`GRPC_PORT (currently [${port}]) environment variable must me set to run the server.`);
    const service = serveGrpc(context.net, Number(port), {
      '/emojivoto.v1.EmojiService/ListAll': () => encodeFields(EMOJI.map((emoji) => [1, encodeEmoji(emoji)])),
      '/emojivoto.v1.EmojiService/FindByShortcode': ({ request }) => {
        const found = EMOJI.find(({ shortcode }) => shortcode === textOf(request, 1));
        return found ? encodeFields([[1, encodeEmoji(found)]]) : new Uint8Array();
      },
    });
    program.running.onEnd(() => service.close());
    program.log(`Starting grpc server on GRPC_PORT=[${port}]`);
    const metrics = context.env['PROM_PORT'];
    if (metrics) {
      program.log(`Starting prom metrics on PROM_PORT=[${metrics}]`);
      program.http(Number(metrics), ({ url, reply }) =>
        url.pathname === '/metrics' ? reply(200, '# no samples yet\n') : reply(404, '404 page not found\n'),
      );
    }
  });
}
