import { startInToolbox, type Toolbox } from './container-shell.ts';
import type { Image } from './program.ts';
import { BUSYBOX, passwd } from './toolboxes.ts';

const TOOLBOX: Toolbox = { shells: ['sh', 'ash'], programs: new Set([...BUSYBOX, 'curl']), dialect: 'ash' };

/** `curlimages/curl`: curl on a small Linux, as a user of its own. */
export const curlImage: Image = {
  repository: 'curlimages/curl',
  summary: 'curl with a shell (sh) and the usual small tools',
  entrypoint: ['/entrypoint.sh'],
  cmd: ['curl'],
  user: 100,
  env: { HOME: '/home/curl_user' },
  workingDir: '/home/curl_user',
  hasShell: true,
  files: {
    '/etc/passwd': passwd('curl_user:x:100:101:Linux User,,,:/home/curl_user:/bin/sh'),
    '/etc/os-release': 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.1\nPRETTY_NAME="Alpine Linux v3.22"\n',
  },
  start(context) {
    const [first, second = ''] = context.argv;
    if (first !== '/entrypoint.sh') return startInToolbox(context, TOOLBOX);
    // The entry point runs a program that it knows, and takes everything else for arguments of curl.
    const words = context.argv.slice(1);
    const isProgram = !second.startsWith('-') && [...TOOLBOX.shells, ...TOOLBOX.programs].includes(second);
    return startInToolbox({ ...context, argv: isProgram ? words : ['curl', ...words] }, TOOLBOX);
  },
};
