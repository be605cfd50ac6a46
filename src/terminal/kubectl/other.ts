import { CliError, throwPlain, usageError } from './errors.ts';
import { GLOBAL_FLAGS } from './flags.ts';
import { optionLines } from './help.ts';
import type { Invocation } from './verb.ts';

/** `kubectl options`: the flags that every command takes. */
export async function options(k: Invocation): Promise<void> {
  await k.out(`The following options can be passed to any command:\n\n${optionLines(GLOBAL_FLAGS)}\n`);
}

/** A script for the shell. Tab completes kubectl here without one, so that it defines nothing. */
export async function completion(k: Invocation): Promise<void> {
  if (k.args.length === 0) throw usageError(['completion'], 'Shell not specified.');
  if (k.args.length > 1) throw usageError(['completion'], 'Too many arguments. Expected only the shell type.');
  const [shell = ''] = k.args;
  if (!['bash', 'zsh', 'fish', 'powershell'].includes(shell)) {
    throw usageError(['completion'], `Unsupported shell type ${JSON.stringify(shell)}.`);
  }
  await k.out(
    `# ${shell} completion for kubectl\n# Tab completes kubectl in this terminal by itself; nothing needs to be defined.\n`,
  );
}

export async function pluginList(): Promise<void> {
  throw new CliError('unable to find any kubectl plugins in your PATH');
}

/** Commands of kubectl that this terminal does not have. */
export async function refuse(k: Invocation): Promise<void> {
  const advice: Record<string, string> = {
    proxy: '; use kubectl get --raw PATH, or kubectl port-forward',
    debug: '; use kubectl exec in a container that has the tools, or kubectl run',
  };
  throwPlain(`error: kubectl ${k.path.join(' ')} is not available in this terminal${advice[k.path[0]!] ?? ''}`);
}
