import type { CommandName, IFileSystem } from 'just-bash';
import type { Command, CommandContext } from '../command.ts';
import { collector, readAll } from '../pipe.ts';
import { quote } from '../quote.ts';
import { lineBlocks } from './input.ts';
import { takeJson } from './json.ts';

/**
 * Text tools of just-bash. Each run gets all input and gives all output; where an invocation looks at every line (or
 * JSON value) by itself, it is run for each group of them that arrives, so that it streams.
 */
const TOOLS: Record<string, string> = {
  awk: 'pattern scanning and processing',
  basename: 'the last part of a path',
  chmod: 'change permissions',
  column: 'lay out in columns',
  comm: 'compare sorted files',
  cp: 'copy files',
  cut: 'columns of lines',
  dirname: 'the directory of a path',
  du: 'sizes of directories',
  expand: 'tabs to spaces',
  expr: 'evaluate an expression',
  file: 'the type of a file',
  find: 'look for files',
  fold: 'wrap lines',
  join: 'join lines on a field',
  jq: 'query JSON',
  ln: 'link files',
  mkdir: 'make directories',
  mv: 'move files',
  nl: 'number lines',
  paste: 'merge lines',
  readlink: 'the target of a link',
  rev: 'reverse lines',
  rm: 'remove files',
  rmdir: 'remove directories',
  sed: 'edit a stream',
  sort: 'sort lines',
  split: 'split a file',
  stat: 'facts about a file',
  strings: 'printable parts of files',
  tar: 'archives',
  touch: 'make files, set their time',
  tree: 'directories as a tree',
  uniq: 'drop repeated lines',
  yq: 'query YAML',
};

/** Output of one tool, and what it may hold of its input, bytes. */
const LIMIT_BYTES = 32 * 1024 * 1024;

/** Turns of a tool's own loops: some second of work, in which nothing else runs on the thread. */
const LOOPS = 1_000_000;

interface Result {
  stdout: Uint8Array;
  stderr: string;
  code: number;
}

/** Runs a tool once over given input. */
async function runTool(context: CommandContext, name: string, args: string[], input: Uint8Array): Promise<Result> {
  const { Bash, defineCommand } = await import('just-bash');
  const called = name === 'find' ? calledByFind(args) : [];
  const bash = new Bash({
    fs: context.fs as IFileSystem,
    cwd: context.cwd,
    commands: [name as CommandName],
    // It would replace globals of the whole thread; the tools run no code of learners.
    defenseInDepth: false,
    executionLimits: {
      maxOutputSize: LIMIT_BYTES,
      maxInputBytes: LIMIT_BYTES,
      maxAwkIterations: LOOPS,
      maxSedIterations: LOOPS,
    },
    customCommands: called.map((each) =>
      defineCommand(each, async (given) => {
        const [out, err] = [collector(), collector()];
        const exitCode = await context.run([each, ...given].map(quote).join(' '), {
          stdout: out.writer,
          stderr: err.writer,
        });
        return { stdout: out.text(), stderr: err.text(), exitCode };
      }),
    ),
  });
  const result = await bash.exec(name, {
    args: name === 'tar' ? relativeMembers(args) : args,
    stdin: Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString('latin1'),
    stdinKind: 'bytes',
    env: context.env,
    replaceEnv: true,
    cwd: context.cwd,
    rawScript: true,
    signal: context.signal,
  });
  // What tar makes are bytes, whatever it says of them.
  const isBytes =
    result.stdoutKind === 'bytes' ||
    (result.stdoutKind === undefined && result.stdoutEncoding === 'binary') ||
    (name === 'tar' && isCreating(args));
  return {
    stdout: Buffer.from(result.stdout, isBytes ? 'latin1' : 'utf8'),
    stderr: result.stderr.replace(/^bash: (line \d+: )?/gm, '').replaceAll(`${name}: ${name}: `, `${name}: `),
    code: result.exitCode,
  };
}

/** Programs after -exec: they are ours, not the tool's. */
function calledByFind(args: readonly string[]): string[] {
  const names = args.filter((_, index) => index > 0 && /^-(exec|execdir|ok)$/.test(args[index - 1]!));
  return [...new Set(names)].filter((name) => /^[\w.-]+$/.test(name));
}

const isCreating = ([mode = '']: readonly string[]): boolean => /^-?[a-zA-Z]*c/.test(mode) && !mode.startsWith('--');

/** Members of an archive are named without a leading slash, as tar does it; `kubectl cp` counts on that. */
function relativeMembers(args: string[]): string[] {
  if (!isCreating(args)) return args;
  const first = args.findIndex((arg, index) => index > 0 && arg.startsWith('/') && args[index - 1] !== '-C');
  const members = args.slice(first);
  if (first < 0 || /f$/.test(args[first - 1]!) || !members.every((arg) => arg.startsWith('/'))) return args;
  return [...args.slice(0, first), '-C', '/', ...members.map((arg) => arg.replace(/^\/+/, '') || '.')];
}

/** Whether the tool needs stdin with these arguments. A wrong yes would wait for a terminal. */
function readsInput(name: string, args: readonly string[]): boolean {
  const never = [
    'basename',
    'chmod',
    'cp',
    'dirname',
    'du',
    'expr',
    'file',
    'find',
    'ln',
    'ls',
    'mkdir',
    'mv',
    'readlink',
    'rm',
    'rmdir',
    'stat',
    'touch',
    'tree',
  ];
  if (never.includes(name)) return false;
  if (name === 'tar') return !isCreating(args) && args.some((arg) => arg === '-' || /^-?[a-zA-Z]*f-$/.test(arg));
  const operands = args.filter((arg) => arg === '-' || !arg.startsWith('-'));
  if (args.includes('-') || args.some((arg) => arg.startsWith('/dev/stdin'))) return true;
  if (name === 'diff' || name === 'comm' || name === 'join') return false;
  if (name === 'jq' || name === 'yq')
    return !args.some((arg) => /^(-n|--null-input)$/.test(arg)) && operandsAfterProgram(name, args) === 0;
  if (name === 'awk' || name === 'sed') return operandsAfterProgram(name, args) === 0;
  const takesValue: Record<string, RegExp> = {
    cut: /^-[dfcb]$/,
    sort: /^-[koStT]$/,
    uniq: /^-[fsw]$/,
    fold: /^-w$/,
    column: /^-[sco]$/,
    paste: /^-d$/,
    nl: /^-[bsw]$/,
    split: /^-[lbna]$/,
    od: /^-[AtNj]$/,
    base64: /^-w$/,
    expand: /^-t$/,
    strings: /^-n$/,
  };
  const values = args.filter(
    (arg, index) => index > 0 && takesValue[name]?.test(args[index - 1]!) && !arg.startsWith('-'),
  ).length;
  return operands.length - values <= 0;
}

/** Files named after the program text of awk, sed, jq and yq. */
function operandsAfterProgram(name: string, args: readonly string[]): number {
  const withValue = {
    awk: /^-[Fvf]$/,
    sed: /^-[efl]$/,
    jq: /^(-f|--from-file|--indent|-L)$/,
    yq: /^(-p|-o|--input-format|--output-format|-I)$/,
  }[name]!;
  const twoValues = /^--(arg|argjson|slurpfile|rawfile)$/;
  let hasProgram = args.some((arg) =>
    name === 'sed'
      ? /^(-e|--expression|-f)/.test(arg)
      : name === 'awk'
        ? /^-f/.test(arg)
        : /^(-f|--from-file)$/.test(arg),
  );
  let count = 0;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (name === 'jq' && (arg === '--args' || arg === '--jsonargs')) break;
    if (name === 'jq' && twoValues.test(arg)) i += 2;
    else if (withValue.test(arg)) i++;
    else if (arg.startsWith('-') && arg !== '-') continue;
    else if (!hasProgram) hasProgram = true;
    else if (!(name === 'awk' && /^[A-Za-z_]\w*=/.test(arg))) count++;
  }
  return count;
}

/** Whether every line (`lines`) or JSON value (`values`) of the input can be given to the tool by itself. */
export function unitOf(name: string, args: readonly string[]): 'lines' | 'values' | undefined {
  const text = args.join(' ');
  switch (name) {
    case 'cut':
    case 'rev':
    case 'expand':
    case 'fold':
      return 'lines';
    case 'sed': {
      if (args.some((arg) => /^-(i|n?i|-in-place|s|z)/.test(arg))) return undefined;
      const scripts = args.filter((arg) => !arg.startsWith('-'));
      const simple =
        /^(\/(?:[^/\\]|\\.)*\/!?)?\s*(s([/|#,@:!])(?:(?!\3)[^\\]|\\.)*\3(?:(?!\3)[^\\]|\\.)*\3[gpiI0-9]*|[dp]|y\/(?:[^/\\]|\\.)*\/(?:[^/\\]|\\.)*\/)$/;
      return scripts.length > 0 && scripts.every((script) => script.split(/\s*;\s*/).every((each) => simple.test(each)))
        ? 'lines'
        : undefined;
    }
    case 'awk':
      return /\b(BEGIN|END|NR|FNR|getline|RS|close|system|srand|rand|next)\b|\+\+|--|[^=!<>~]=[^=~]|,\s*\//.test(
        withoutOptions(args),
      )
        ? undefined
        : 'lines';
    case 'jq':
      return args.some((arg) => /^-[a-zA-Z]*[snRe]|^--(slurp|null-input|raw-input|seq|stream|exit-status)/.test(arg)) ||
        /\binputs?\b|input_line_number|halt/.test(text)
        ? undefined
        : 'values';
    default:
      return undefined;
  }
}

function withoutOptions(args: readonly string[]): string {
  return args.filter((arg, index) => !/^-[Fv]/.test(arg) && !/^-[Fv]$/.test(args[index - 1] ?? '')).join(' ');
}

async function finish(context: CommandContext, result: Result): Promise<number> {
  if (result.stdout.length > 0) await context.stdout.write(result.stdout);
  if (result.stderr !== '') await context.stderr.write(result.stderr);
  return result.code;
}

/** The tool's paste wants its input named. */
function argumentsOf(name: string, args: string[]): string[] {
  return name === 'paste' && readsInput(name, args) && !args.includes('-') ? [...args, '-'] : args;
}

async function execute(name: string, context: CommandContext): Promise<number> {
  const args = argumentsOf(name, context.args);
  if (!readsInput(name, args)) return finish(context, await runTool(context, name, args, new Uint8Array()));
  const unit = args.includes('-') ? undefined : unitOf(name, args);
  if (!unit)
    return finish(
      context,
      await runTool(context, name, args, await readAll(context.stdin, context.signal, LIMIT_BYTES)),
    );
  let status: number | undefined;
  const groups = unit === 'lines' ? lineBlocks(context.stdin, context.signal) : takeJson(context.stdin, context.signal);
  for await (const group of groups) {
    const result = await runTool(context, name, args, group);
    status = await finish(context, result);
    // What cannot be read does not become readable further on.
    if (unit === 'values' && result.stderr.includes('parse error')) return status;
  }
  return status ?? finish(context, await runTool(context, name, args, new Uint8Array()));
}

export const bufferedPrograms: Command[] = Object.entries(TOOLS).map(([name, summary]) => ({
  name,
  summary,
  execute: (context) => execute(name, context),
}));
