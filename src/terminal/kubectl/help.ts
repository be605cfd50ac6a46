import { commandEntry, type Flag } from './flags.ts';

/** A line a flag, with what it is when not given. */
export const optionLines = (flags: Flag[]): string =>
  flags
    .map(({ name, short, type, default: value }) => {
      const shown = type === 'string' ? `'${value}'` : value;
      return `    ${short ? `-${short}, ` : ''}--${name}=${shown}`;
    })
    .join('\n');

/** Usage, subcommands and options of a command. */
export function helpText(path: string[]): string {
  const entry = commandEntry(path)!;
  const parts: string[] = [];
  if (path.length === 0) parts.push('kubectl controls the Kubernetes cluster manager.');
  if (entry.verbs.length > 0) {
    parts.push(`Available Commands:\n${entry.verbs.map((verb) => `  ${verb}`).join('\n')}`);
  }
  const options = path.length === 0 ? [] : entry.flags;
  if (options.length > 0) parts.push(`Options:\n${optionLines(options)}`);
  parts.push(`Usage:\n  ${entry.usage} [options]`);
  if (entry.verbs.length > 0) {
    parts.push(`Use "${['kubectl', ...path].join(' ')} <command> --help" for more information about a given command.`);
  }
  return `${parts.join('\n\n')}\n`;
}
