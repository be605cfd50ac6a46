import { basename } from 'node:path';
import { startInToolbox, type Toolbox } from '../container-shell.ts';
import { lazily } from '../process.ts';
import type { Image } from '../program.ts';
import { DEBIAN, passwd } from '../toolboxes.ts';
import type { Flavour } from './session.ts';

const TOOLBOX: Toolbox = { shells: ['sh', 'bash', 'dash'], programs: new Set(DEBIAN), dialect: 'dash' };

const lazy = (flavour: Flavour) => (context: Parameters<Image['start']>[0]) =>
  lazily(async () => (await import('./httpbin.ts')).startHttpbin(context, flavour));

const startPython = lazy({ name: 'httpbin', defaultPort: 80 });
const startGo = lazy({ name: 'go-httpbin', defaultPort: 8080 });

/** httpbin in Python (port 80, with a shell) and in Go (port 8080, without). */
export const httpbinImages: Image[] = [
  {
    repository: 'kennethreitz/httpbin',
    summary: 'mirrors requests: /get, /post, /headers, /status/503, /delay/2, … (port 80)',
    entrypoint: [],
    cmd: ['gunicorn', '-b', '0.0.0.0:80', 'httpbin:app', '-k', 'gevent'],
    user: 0,
    workingDir: '/',
    hasShell: true,
    files: { '/etc/passwd': passwd() },
    start(context) {
      const isServer = basename(context.argv[0] ?? '') === 'gunicorn';
      const address = context.argv[context.argv.indexOf('-b') + 1];
      if (isServer) return startPython({ ...context, argv: ['gunicorn', address ?? '0.0.0.0:80'] });
      return startInToolbox(context, TOOLBOX);
    },
  },
  ...['mccutchen/go-httpbin', 'ghcr.io/mccutchen/go-httpbin'].map(
    (repository): Image => ({
      repository,
      summary: 'mirrors requests: /get, /post, /headers, /status/503, /delay/2, … (port 8080, PORT)',
      entrypoint: [],
      cmd: ['/bin/go-httpbin'],
      user: 65532,
      workingDir: '/',
      hasShell: false,
      start: (context) => (basename(context.argv[0] ?? '') === 'go-httpbin' ? startGo(context) : undefined),
    }),
  ),
];
