import { startInToolbox, type Toolbox } from './container-shell.ts';
import { printer, startProcess } from './process.ts';
import type { Image } from './program.ts';
import { DEBIAN, passwd } from './toolboxes.ts';

const TOOLS: Toolbox = {
  shells: ['bash', 'sh', 'dash'],
  programs: new Set([...DEBIAN, 'curl', 'jq', 'nslookup']),
  dialect: 'dash',
};

/**
 * `cr.l5d.io/linkerd/debug`, the container that `config.linkerd.io/enable-debug-sidecar` adds to a pod: tools to look
 * around with from within the pod. Its own program would print every packet; the network here carries streams, not
 * packets, so it says that and waits.
 */
export const linkerdDebugImage: Image = {
  repository: 'cr.l5d.io/linkerd/debug',
  summary: 'Linkerd debug sidecar: bash, curl, jq, nslookup; captures no packets, as there are none',
  entrypoint: ['tshark', '-i', 'any'],
  cmd: [],
  user: 0,
  env: { HOME: '/root' },
  workingDir: '/',
  hasShell: true,
  files: {
    '/etc/passwd': passwd(),
    '/etc/os-release': 'NAME="Debian GNU/Linux"\nID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  },
  start(context) {
    const name = context.argv[0]?.split('/').at(-1);
    if (name !== 'tshark' && name !== 'tcpdump') return startInToolbox(context, TOOLS);
    const why = `${name}: no packets to capture: the network of this cluster carries streams. To see requests: linkerd viz tap`;
    return startProcess(context, (running) => {
      printer(context, 'stderr')(why);
      // Only the container's own program waits; who calls it by hand is told and let go.
      if (!context.isMain) return running.exit(1);
      running.onSignal('SIGTERM', () => running.exit(0));
      running.onSignal('SIGINT', () => running.exit(0));
    });
  },
};
