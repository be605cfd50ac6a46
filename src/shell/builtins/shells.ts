import { Exit, ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import { runChild } from '../run/child.ts';
import { reasonOf } from '../run/errors.ts';
import { freshShell } from '../run/file.ts';
import { runScript } from '../run/script.ts';
import { isIncompleteScript } from '../syntax/parse.ts';
import type { Builtin } from './builtins.ts';
import { applyOptions } from './options.ts';

/** `bash`, `sh`: a file, `-c`, or what comes from stdin. */
async function shell(sh: ShellProcess, name: string, args: string[]): Promise<number> {
  if (args[0] === '--version') {
    await sh.out('a bash for labs, compatible with GNU bash, version 5.2\n');
    return 0;
  }
  const child = freshShell(sh, name, []);
  child.stageOutput = sh.stageOutput;
  let script: string | undefined;
  let fromInput = false;
  try {
    const rest = args.filter((arg) => !['--norc', '--noprofile', '--login', '-l', '--posix'].includes(arg));
    let wantsText = false;
    const options: string[] = [];
    while (/^[-+]./.test(rest[0] ?? '') && rest[0] !== '--') {
      const arg = rest.shift()!;
      const letters = arg.slice(1).replace(/[cislr]/g, (letter) => {
        if (letter === 'c') wantsText = true;
        if (letter === 's') fromInput = true;
        return '';
      });
      if (letters !== '') options.push(arg[0] + letters);
      if (/o$/.test(letters) && rest[0] !== undefined) options.push(rest.shift()!);
    }
    if (rest[0] === '--') rest.shift();
    applyOptions(child, name, options);
    if (wantsText) {
      script = rest.shift();
      if (script === undefined) throw new ShellError(`${name}: -c: option requires an argument`, { status: 2 });
      const zero = rest.shift();
      if (zero !== undefined) child.name = zero;
    } else if (!fromInput && rest.length > 0) {
      child.name = rest.shift()!;
      script = await readScript(child, child.name);
    } else fromInput = true;
    child.positional = rest;
  } catch (error) {
    child.fds.closeAll();
    throw error;
  }
  if (script !== undefined) return runChild(child, () => runScript(child, script));
  return runChild(child, () => runLines(child));
}

async function readScript(child: ShellProcess, file: string): Promise<string> {
  try {
    const path = child.path(file);
    if (!child.fs.isDevice(path) && (await child.fs.stat(path)).isDirectory)
      throw new ShellError(`${file}: ${file}: Is a directory`, { status: 126 });
    return await child.fs.readFile(path);
  } catch (error) {
    if (error instanceof ShellError) throw error;
    throw new ShellError(`${file}: ${reasonOf(error)}`, { status: 127 });
  }
}

/** Reads commands from stdin, as far as each is complete, and runs them; with prompts when a person types. */
async function runLines(child: ShellProcess): Promise<number> {
  const input = child.fds.get(0);
  const isTyped = input?.tty !== undefined;
  if (isTyped) {
    child.hasLines = false;
    child.shopts.add('expand_aliases');
  }
  let text = '';
  let status = 0;
  let line = 1;
  let start = 1;
  for (;;) {
    if (isTyped) await child.err(text === '' ? `${child.name}-5.2$ ` : '> ');
    const next = await nextLine(child);
    if (next !== undefined) {
      text += next;
      line++;
      if (isIncompleteScript(text)) continue;
    }
    if (text.trim() !== '') {
      child.line = start;
      try {
        status = await runScript(child, text);
      } catch (thrown) {
        if (!(isTyped && thrown instanceof Exit && thrown.fromError)) throw thrown;
        status = thrown.status;
      }
      child.status = status;
    }
    if (next === undefined) return status;
    text = '';
    start = line;
  }
}

async function nextLine(child: ShellProcess): Promise<string | undefined> {
  const reader = child.fds.get(0)?.reader;
  const parts: Uint8Array[] = [];
  for (;;) {
    const chunk = await reader?.read(child.signal);
    await child.checkpoint();
    if (!chunk) return parts.length > 0 ? Buffer.concat(parts).toString('utf8') : undefined;
    const at = chunk.indexOf(0x0a);
    if (at < 0) {
      parts.push(chunk);
      continue;
    }
    parts.push(chunk.subarray(0, at + 1));
    reader?.unread(chunk.subarray(at + 1));
    return Buffer.concat(parts).toString('utf8');
  }
}

export const SHELL_NAMES = ['bash', 'sh', 'ash', 'dash'];

export const shellBuiltins: Builtin[] = SHELL_NAMES.map((name) => ({
  name,
  isProgram: true,
  run: (sh, args) => shell(sh, name, args),
}));
