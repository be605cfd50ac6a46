import { goJson, type HttpExchange, startGoProgram } from '../go-program.ts';
import { GrpcClient } from '../grpc/client.ts';
import { encodeFields, messagesOf, numberOf, textOf } from '../grpc/protobuf.ts';
import type { ContainerContext, Process } from '../program.ts';
import { EMOJI, methodOf } from './emoji.ts';

const JSON_TYPE = { 'Content-Type': 'application/json; charset=UTF-8' };

const page = (message: string) => `<!DOCTYPE html>
<html>
<head><meta charset="UTF-8"><title>Emoji Vote</title><link rel="icon" href="/img/favicon.ico"></head>
<body>
<div id="motd" class="motd">${message}</div>
<div id="main" class="main"></div>
<script type="text/javascript" src="/js" async></script>
</body>
</html>
`;

const SCRIPT = `const main = document.getElementById('main');
const show = async (path) => (await fetch(path)).json();
const draw = async () => {
  const list = await show(location.pathname === '/leaderboard' ? '/api/leaderboard' : '/api/list');
  main.replaceChildren(...list.map(({ unicode, shortcode, votes }) => {
    const button = document.createElement('button');
    button.textContent = votes === undefined ? unicode : unicode + ' ' + votes;
    button.title = shortcode;
    button.onclick = async () => {
      const answer = await fetch('/api/vote?choice=' + shortcode);
      alert(answer.ok ? 'Voted for ' + shortcode : (await answer.json()).error);
    };
    return button;
  }));
};
draw();
`;

/** The voting site: its pages over HTTP, its data over gRPC. */
export function startWeb(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const { env } = context;
    const [port = '', emojiHost = '', votingHost = ''] = ['WEB_PORT', 'EMOJISVC_HOST', 'VOTINGSVC_HOST'].map(
      (name) => env[name] ?? '',
    );
    if (!port || !emojiHost || !votingHost) {
      return program.fatal(
        `WEB_PORT (currently [${port}]) EMOJISVC_HOST (currently [${emojiHost}]) and VOTINGSVC_HOST (currently [${votingHost}]) environment variables must me set.`,
      );
    }
    const open = (host: string) => {
      program.log(`Connecting to [${host}]`);
      const client = new GrpcClient(context, host);
      program.running.onEnd(() => client.close());
      return client;
    };
    const voting = open(votingHost);
    const emoji = open(emojiHost);
    const find = async (shortcode: string) => {
      const answer = await emoji.call('/emojivoto.v1.EmojiService/FindByShortcode', encodeFields([[1, shortcode]]));
      return messagesOf(answer, 1)[0];
    };
    const fail = ({ request, reply }: HttpExchange, status: number, error: Error) => {
      program.log(`Error serving request [${request.method} ${request.url}]: ${error.message}`);
      reply(status, `${goJson({ error: error.message })}\n`, JSON_TYPE);
    };

    const list = async ({ reply }: HttpExchange) => {
      const answer = await emoji.call('/emojivoto.v1.EmojiService/ListAll', new Uint8Array());
      const all = messagesOf(answer, 1).map((one) => ({ shortcode: textOf(one, 2), unicode: textOf(one, 1) }));
      reply(200, `${goJson(all)}\n`, JSON_TYPE);
    };
    const leaderboard = async ({ reply }: HttpExchange) => {
      const answer = await voting.call('/emojivoto.v1.VotingService/Results', new Uint8Array());
      const rows: Record<string, string>[] = [];
      for (const result of messagesOf(answer, 1)) {
        const found = await find(textOf(result, 1));
        if (!found) continue;
        rows.push({ shortcode: textOf(found, 2), unicode: textOf(found, 1), votes: String(numberOf(result, 2)) });
      }
      reply(200, `${goJson(rows)}\n`, JSON_TYPE);
    };
    const vote = async (exchange: HttpExchange) => {
      const choice = exchange.url.searchParams.get('choice') ?? '';
      if (!choice) return fail(exchange, 400, new Error(`Emoji choice [${choice}] is mandatory`));
      if (!(await find(choice)))
        return fail(exchange, 400, new Error(`Choosen emoji shortcode [${choice}] doesnt exist`));
      if (EMOJI.some(({ shortcode }) => shortcode === choice)) await voting.call(methodOf(choice), new Uint8Array());
      exchange.reply(200, '');
    };
    const routes: Record<string, (exchange: HttpExchange) => void | Promise<void>> = {
      '/js': ({ reply }) => reply(200, SCRIPT, { 'Content-Type': 'text/javascript' }),
      '/img/favicon.ico': ({ reply }) => reply(204, ''),
      '/api/list': list,
      '/api/leaderboard': leaderboard,
      '/api/vote': vote,
    };
    const message = env['MESSAGE_OF_THE_DAY'] ?? '';
    program.log(`Starting web server on WEB_PORT=[${port}] and MESSAGE_OF_THE_DAY=[${message}]`);
    program.http(Number(port), async (exchange) => {
      const route = routes[exchange.url.pathname];
      if (!route) return exchange.reply(200, page(message), { 'Content-Type': 'text/html' });
      try {
        await route(exchange);
      } catch (error) {
        fail(exchange, 500, error as Error);
      }
    });
  });
}
