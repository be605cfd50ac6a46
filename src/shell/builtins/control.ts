import { testCommand } from '../conditional.ts';
import { expandText } from '../expand/word.ts';
import { Break, Continue, Exit, Return, ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import { findProgram } from '../run/lookup.ts';
import { runScript } from '../run/script.ts';
import { runExternal } from '../run/simple.ts';
import type { Builtin } from './builtins.ts';

function count(name: string, text: string | undefined): number {
  if (text === undefined) return 1;
  if (!/^\d+$/.test(text))
    throw new ShellError(`${name}: ${text}: numeric argument required`, { status: 128, fatal: true });
  if (Number(text) < 1) throw new ShellError(`${name}: ${text}: loop count out of range`);
  return Number(text);
}

function statusOf(sh: ShellProcess, name: string, text: string | undefined): number {
  if (text === undefined) return sh.status;
  if (/^-?\d+$/.test(text)) return Number(text) & 255;
  throw new ShellError(`${name}: ${text}: numeric argument required`, { status: 2, fatal: true });
}

const loopOnly = async (sh: ShellProcess, name: string): Promise<number> => {
  await sh.complain(`${name}: only meaningful in a \`for', \`while', or \`until' loop`);
  return 0;
};

export const controlBuiltins: Builtin[] = [
  { name: ':', run: () => 0 },
  { name: 'true', run: () => 0 },
  { name: 'false', run: () => 1 },
  {
    name: 'break',
    run: (sh, [levels]) => {
      if (sh.loops === 0) return loopOnly(sh, 'break');
      throw new Break(count('break', levels));
    },
  },
  {
    name: 'continue',
    run: (sh, [levels]) => {
      if (sh.loops === 0) return loopOnly(sh, 'continue');
      throw new Continue(count('continue', levels));
    },
  },
  {
    name: 'return',
    run: (sh, [status]) => {
      if (sh.calls.length === 0)
        throw new ShellError("return: can only `return' from a function or sourced script", { status: 2 });
      throw new Return(statusOf(sh, 'return', status));
    },
  },
  {
    name: 'exit',
    run: (sh, [status]) => {
      throw new Exit(statusOf(sh, 'exit', status));
    },
  },
  { name: 'logout', run: (sh, [status]) => Promise.reject(new Exit(statusOf(sh, 'logout', status))) },
  { name: 'eval', run: async (sh, args) => nested(sh, () => runScript(sh, args.join(' '))) },
  { name: 'source', run: (sh, args) => source(sh, 'source', args) },
  { name: '.', run: (sh, args) => source(sh, '.', args) },
  { name: 'test', run: async (sh, args) => ((await testCommand(sh, 'test', args)) ? 0 : 1) },
  {
    name: '[',
    run: async (sh, args) => {
      if (args.at(-1) !== ']') throw new ShellError("[: missing `]'", { status: 2 });
      return (await testCommand(sh, '[', args.slice(0, -1))) ? 0 : 1;
    },
  },
  {
    name: 'let',
    run: async (sh, args) => {
      if (args.length === 0) throw new ShellError('let: expression expected');
      let value = 0n;
      for (const arg of args) value = sh.arithmetic(await expandText(sh, arg));
      return value === 0n ? 1 : 0;
    },
  },
  {
    name: 'exec',
    run: async (sh, args) => {
      if (args[0] === '--') args.shift();
      const [name, ...rest] = args;
      if (name === undefined) return 0;
      if (!(await findProgram(sh, name)))
        throw new ShellError(`exec: ${name}: not found`, { status: 127, fatal: !sh.world.interactive });
      throw new Exit(await runExternal(sh, name, rest, {}));
    },
  },
  {
    name: 'times',
    run: async (sh) => {
      await sh.out('0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n');
      return 0;
    },
  },
  {
    name: 'caller',
    run: async (sh) => {
      if (sh.calls.length === 0) return 1;
      await sh.out(`${sh.line} ${sh.calls[1] ?? 'main'}\n`);
      return 0;
    },
  },
];

async function nested(sh: ShellProcess, body: () => Promise<number>): Promise<number> {
  sh.enter();
  await undefined;
  const { line } = sh;
  try {
    return await body();
  } finally {
    sh.depth--;
    sh.line = line;
  }
}

async function source(sh: ShellProcess, name: string, args: string[]): Promise<number> {
  const [file, ...rest] = args;
  if (file === undefined) throw new ShellError(`${name}: filename argument required`, { status: 2 });
  const path = sh.path(file);
  if (!(await sh.fs.exists(path))) throw new ShellError(`${file}: No such file or directory`);
  if (!sh.fs.isDevice(path) && (await sh.fs.stat(path)).isDirectory)
    throw new ShellError(`${name}: ${file}: is a directory`);
  const text = await sh.fs.readFile(path);
  const { positional } = sh;
  if (rest.length > 0) sh.positional = rest;
  sh.calls.unshift('source');
  try {
    return await nested(sh, () => runScript(sh, text));
  } catch (thrown) {
    if (thrown instanceof Return) return thrown.status;
    throw thrown;
  } finally {
    sh.calls.shift();
    if (rest.length > 0) sh.positional = positional;
  }
}
