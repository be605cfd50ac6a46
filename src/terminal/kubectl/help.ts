import summaryData from './data/summaries.json' with { type: 'json' };
import { commandEntry, type Flag } from './flags.ts';

const SUMMARIES = summaryData as Record<string, string>;

/** The first help page's order. */
const GROUPS: [title: string, verbs: string[]][] = [
  ['To begin with', ['create', 'expose', 'run', 'set']],
  ['Objects', ['explain', 'get', 'edit', 'delete']],
  ['Rollouts', ['rollout', 'scale', 'autoscale']],
  ['The cluster', ['certificate', 'cluster-info', 'top', 'cordon', 'uncordon', 'drain', 'taint']],
  ['Finding faults', ['describe', 'logs', 'attach', 'exec', 'port-forward', 'proxy', 'cp', 'auth', 'debug', 'events']],
  ['Whole files', ['diff', 'apply', 'patch', 'replace', 'wait', 'kustomize']],
  ['Settings', ['label', 'annotate', 'completion']],
  ['Others', ['alpha', 'api-resources', 'api-versions', 'config', 'plugin', 'version']],
];

/** A line a flag, with what it is when not given. */
export const optionLines = (flags: Flag[]): string =>
  flags
    .map(({ name, short, type, default: value }) => {
      const shown = type === 'string' ? `'${value}'` : value;
      return `    ${short ? `-${short}, ` : ''}--${name}=${shown}`;
    })
    .join('\n');

function verbLines(path: string[], verbs: string[]): string {
  const width = Math.max(...verbs.map((verb) => verb.length)) + 3;
  return verbs.map((verb) => `  ${verb.padEnd(width)}${SUMMARIES[[...path, verb].join(' ')] ?? ''}`).join('\n');
}

/** What a command does, its subcommands, options and usage. */
export function helpText(path: string[]): string {
  const entry = commandEntry(path)!;
  const parts: string[] = [];
  if (path.length === 0) {
    parts.push('kubectl talks to a Kubernetes cluster.');
    for (const [title, verbs] of GROUPS) parts.push(`${title}:\n${verbLines(path, verbs)}`);
  } else {
    parts.push(`${SUMMARIES[path.join(' ')] ?? entry.usage}.`);
    if (entry.verbs.length > 0) parts.push(`Available Commands:\n${verbLines(path, entry.verbs)}`);
    if (entry.flags.length > 0) parts.push(`Options:\n${optionLines(entry.flags)}`);
  }
  parts.push(`Usage:\n  ${entry.usage} [options]`);
  if (entry.verbs.length > 0) {
    parts.push(`Use "${['kubectl', ...path].join(' ')} <command> --help" for more information about a given command.`);
  }
  parts.push('Use "kubectl options" for a list of global command-line options (applies to all commands).');
  return `${parts.join('\n\n')}\n`;
}
