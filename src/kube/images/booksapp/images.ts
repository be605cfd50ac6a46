import { lazily } from '../process.ts';
import type { Image } from '../program.ts';

const REGISTRIES = ['ghcr.io/buoyantio', 'buoyantio'];
const common = { cmd: [], user: 0, workingDir: '/usr/src/app', hasShell: false };

/** booksapp: webapp, authors and books in one image, chosen by the argument, and the traffic in another. */
export const booksappImages: Image[] = REGISTRIES.flatMap((registry): Image[] => [
  {
    ...common,
    repository: `${registry}/booksapp`,
    summary: 'booksapp: prod:webapp (7000), prod:authors (7001, FAILURE_RATE), prod:books (7002)',
    entrypoint: ['bundle', 'exec', 'rake'],
    start(context) {
      const [, part = ''] = /^(?:prod|dev):(webapp|authors|books)$/.exec(context.argv.at(-1) ?? '') ?? [];
      if (part === 'webapp') return lazily(async () => (await import('./webapp.ts')).startWebapp(context));
      if (part === 'authors') return lazily(async () => (await import('./services.ts')).startAuthors(context));
      if (part === 'books') return lazily(async () => (await import('./services.ts')).startBooks(context));
      return undefined;
    },
  },
  {
    ...common,
    repository: `${registry}/booksapp-traffic`,
    summary: 'booksapp: a customer who makes, reads, changes and deletes books without end',
    entrypoint: ['/traffic'],
    start: (context) =>
      context.argv[0] === '/traffic'
        ? lazily(async () => (await import('./traffic.ts')).startTraffic(context))
        : undefined,
  },
]);
