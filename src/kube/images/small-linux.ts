import { startInToolbox, type Toolbox } from './container-shell.ts';
import { startProcess } from './process.ts';
import type { Image } from './program.ts';
import { BUSYBOX, DEBIAN, passwd } from './toolboxes.ts';

function linux(repository: string, summary: string, toolbox: Toolbox, more: Partial<Image> = {}): Image {
  return {
    repository,
    summary,
    entrypoint: [],
    cmd: [toolbox.shells[0]!],
    user: 0,
    env: { HOME: '/root' },
    workingDir: '/',
    hasShell: true,
    start: (context) => startInToolbox(context, toolbox),
    ...more,
    files: { '/etc/passwd': passwd(), ...more.files },
  };
}

const sh = ['sh', 'ash'];
const release = (id: string, name: string) => ({
  '/etc/os-release': `NAME="${name}"\nID=${id}\nPRETTY_NAME="${name}"\n`,
});

/** Images that hold a shell and tools, and run what they are told. */
export const smallLinuxImages: Image[] = [
  linux('busybox', 'sh and the small tools: wget, httpd, nc, nslookup, …', {
    shells: sh,
    programs: new Set([...BUSYBOX, 'httpd']),
    dialect: 'ash',
  }),
  linux(
    'alpine',
    'sh and the small tools of Alpine Linux',
    { shells: sh, programs: new Set(BUSYBOX), dialect: 'ash' },
    { files: release('alpine', 'Alpine Linux v3.22') },
  ),
  linux(
    'bash',
    'bash and the small tools',
    { shells: ['bash', ...sh], programs: new Set(BUSYBOX), dialect: 'ash' },
    { files: release('alpine', 'Alpine Linux v3.22') },
  ),
  linux(
    'debian',
    'bash and the tools of a bare Debian (no curl)',
    { shells: ['bash', 'sh', 'dash'], programs: new Set(DEBIAN), dialect: 'dash' },
    { files: release('debian', 'Debian GNU/Linux 13 (trixie)') },
  ),
  linux(
    'ubuntu',
    'bash and the tools of a bare Ubuntu (no curl)',
    { shells: ['bash', 'sh', 'dash'], programs: new Set(DEBIAN), dialect: 'dash' },
    { files: release('ubuntu', 'Ubuntu 24.04 LTS') },
  ),
  linux('nicolaka/netshoot', 'network tools: curl, nc, nslookup, jq, grpcurl, …', {
    shells: ['zsh', 'bash', ...sh],
    programs: new Set([...BUSYBOX, 'curl', 'jq', 'grpcurl', 'yq']),
    dialect: 'ash',
  }),
];

/** `fullstorydev/grpcurl`: the one program. */
export const grpcurlImage: Image = {
  repository: 'fullstorydev/grpcurl',
  summary: 'calls gRPC services by their .proto files (-plaintext, -proto, -import-path, -d)',
  entrypoint: ['/bin/grpcurl'],
  cmd: [],
  user: 0,
  workingDir: '/',
  hasShell: false,
  start: (context) => startInToolbox(context, { shells: [], programs: new Set(['grpcurl']), dialect: 'ash' }),
};

/** `registry.k8s.io/pause`: does nothing, and ends at once when asked to. */
export const pauseImage: Image = {
  repository: 'registry.k8s.io/pause',
  summary: 'does nothing until it is stopped',
  entrypoint: ['/pause'],
  cmd: [],
  user: 65535,
  workingDir: '/',
  hasShell: false,
  start(context) {
    if (context.argv[0] !== '/pause') return undefined;
    return startProcess(context, (running) => {
      running.onSignal('SIGTERM', () => running.exit(0));
      running.onSignal('SIGINT', () => running.exit(0));
    });
  },
};
