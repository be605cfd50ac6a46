import { HOME, HOST } from './workspace.ts';

const GREEN = '\x1b[1;32m';
const BLUE = '\x1b[1;34m';
const DIM = '\x1b[2m';
const PLAIN = '\x1b[0m';
/** Folders shown of a deep path. */
const SHOWN_FOLDERS = 3;

export interface PromptState {
  cwd: string;
  /** Exit code of the last command. */
  status: number;
  /** The learner's own PS1. */
  ps1?: string | undefined;
}

/** `learner@academy:~/certs$ `; an exit code other than 0 stands before the `$`. */
export function defaultPrompt({ cwd, status, ps1 }: PromptState): string {
  if (ps1 !== undefined) return expanded(ps1, cwd, status);
  const code = status === 0 ? '' : ` ${DIM}[${status}]${PLAIN}`;
  return `${GREEN}learner@${HOST}${PLAIN}:${BLUE}${shortened(cwd)}${PLAIN}${code}$ `;
}

/** Home as `~`; of a deep path the last folders. */
export function shortened(cwd: string): string {
  const isHome = cwd === HOME || cwd.startsWith(`${HOME}/`);
  const head = isHome ? '~' : '';
  const parts = (isHome ? cwd.slice(HOME.length) : cwd).split('/').filter(Boolean);
  if (parts.length === 0) return head || '/';
  const shown = parts.length > SHOWN_FOLDERS ? ['…', ...parts.slice(-SHOWN_FOLDERS + 1)] : parts;
  return `${head}/${shown.join('/')}`;
}

/** The usual escapes of a PS1; `$?` is the exit code. What has no meaning here stays as it is. */
function expanded(ps1: string, cwd: string, status: number): string {
  const values: Record<string, string> = {
    u: 'learner',
    h: HOST,
    H: HOST,
    w: cwd === HOME || cwd.startsWith(`${HOME}/`) ? `~${cwd.slice(HOME.length)}` : cwd,
    W: cwd === HOME ? '~' : cwd.slice(cwd.lastIndexOf('/') + 1) || '/',
    $: '$',
    n: '\n',
    e: '\x1b',
    '[': '',
    ']': '',
    '\\': '\\',
  };
  return ps1
    .replace(/\\033/g, '\x1b')
    .replace(/\\(.)/g, (all, letter: string) => values[letter] ?? all)
    .replaceAll('$?', String(status));
}
