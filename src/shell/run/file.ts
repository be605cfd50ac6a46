import type { ShellProcess } from '../process.ts';
import { quote } from '../quote.ts';
import { runChild } from './child.ts';
import { runScript } from './script.ts';

const SHELLS = ['sh', 'bash', 'ash', 'dash'];

/** A new shell process with exported variables only: `bash script`, `./script`, `sh -c`. */
export function freshShell(sh: ShellProcess, name: string, args: string[]): ShellProcess {
  const child = sh.fork();
  for (const variable of child.variables.names()) {
    const own = child.variables.own(variable);
    if (own && !own.exported && !['IFS', 'PATH', 'PWD', '__UID'].includes(variable)) {
      own.readonly = false;
      child.variables.unset(variable);
    }
  }
  child.variables.set('IFS', ' \t\n');
  child.functions.clear();
  child.aliases.clear();
  child.options = new Set(['braceexpand', 'hashall']);
  child.shopts = new Set(['extglob']);
  child.jobs = [];
  child.calls = [];
  child.subshell = 0;
  child.conditions = 0;
  child.positional = args;
  child.name = name;
  child.hasLines = true;
  child.line = 1;
  return child;
}

/** Runs a file of the workspace as a program: by its first line, or as a shell script. */
export async function runFile(
  sh: ShellProcess,
  file: { script: string; path: string },
  args: string[],
  overrides: Record<string, string>,
): Promise<number> {
  const shebang = /^#!\s*(\S+)(?:[ \t]+([^\n]*\S))?/.exec(file.script);
  const words = shebang ? [shebang[1]!.replace(/^.*\//, ''), ...(shebang[2] ? shebang[2].split(/\s+/) : [])] : ['bash'];
  if (words[0] === 'env') words.shift();
  const interpreter = words[0]?.replace(/^.*\//, '') ?? 'bash';
  const child = freshShell(sh, file.path, args);
  child.stageOutput = sh.stageOutput;
  for (const [name, value] of Object.entries(overrides)) {
    child.variables.set(name, value);
    child.variables.declare(name).exported = true;
  }
  if (SHELLS.includes(interpreter)) {
    for (const letter of words.slice(1).join('').replaceAll('-', '')) {
      if (letter === 'e') child.options.add('errexit');
      if (letter === 'u') child.options.add('nounset');
      if (letter === 'x') child.options.add('xtrace');
    }
    return runChild(child, () => runScript(child, file.script));
  }
  if (!sh.world.commands.has(interpreter)) {
    await sh.complain(`${file.path}: ${shebang![1]}: bad interpreter: No such file or directory`);
    child.fds.closeAll();
    return 126;
  }
  const line = [...words, file.path, ...args].map(quote).join(' ');
  return runChild(child, () => runScript(child, line));
}
