import { lazily } from '../process.ts';
import type { Image } from '../program.ts';

/** The registries under which the set is published. */
const REGISTRIES = ['ghcr.io/buoyantio', 'buoyantio', 'docker.l5d.io/buoyantio'];

const common = { cmd: [], user: 0, workingDir: '/usr/local/bin', hasShell: false };

/** The emojivoto set: web, emoji-svc and voting-svc, and the vote-bot in the image of web. */
export const emojivotoImages: Image[] = REGISTRIES.flatMap((registry): Image[] => [
  {
    ...common,
    repository: `${registry}/emojivoto-web`,
    summary: 'emojivoto: the voting site (WEB_PORT), and emojivoto-vote-bot',
    entrypoint: ['emojivoto-web'],
    start(context) {
      const program = context.argv[0]?.split('/').at(-1);
      if (program === 'emojivoto-vote-bot')
        return lazily(async () => (await import('./vote-bot.ts')).startVoteBot(context));
      if (program === 'emojivoto-web') return lazily(async () => (await import('./web.ts')).startWeb(context));
      return undefined;
    },
  },
  {
    ...common,
    repository: `${registry}/emojivoto-emoji-svc`,
    summary: 'emojivoto: the candidates, over gRPC (GRPC_PORT)',
    entrypoint: ['emojivoto-emoji-svc'],
    start: (context) =>
      context.argv[0]?.endsWith('emojivoto-emoji-svc')
        ? lazily(async () => (await import('./emoji-svc.ts')).startEmojiService(context))
        : undefined,
  },
  {
    ...common,
    repository: `${registry}/emojivoto-voting-svc`,
    summary: 'emojivoto: counts votes, over gRPC (GRPC_PORT); the doughnut fails (FAILURE_RATE from v12 on)',
    entrypoint: ['emojivoto-voting-svc'],
    start: (context) =>
      context.argv[0]?.endsWith('emojivoto-voting-svc')
        ? lazily(async () => (await import('./voting-svc.ts')).startVotingService(context))
        : undefined,
  },
]);
