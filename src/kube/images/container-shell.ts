import { basename } from 'node:path';
import type { Command } from '#shell/command.ts';
import type { Shell } from '#shell/shell.ts';
import { type Dialect, inDialect } from './dialect.ts';
import { startKill } from './kill.ts';
import { lazily, type Running, signalCode, startProcess } from './process.ts';
import { processTable } from './process-table.ts';
import type { ContainerContext, Process } from './program.ts';
import { startSleep } from './sleep.ts';
import { userName } from './user-name.ts';

/** What of a shell's world an image holds. */
export interface Toolbox {
  /** Names of shells, `sh` first. */
  shells: readonly string[];
  /** Names of the programs, of `standardPrograms()` or of `tools/`. */
  programs: ReadonlySet<string>;
  /** What its `sh` is; `bash` is always bash. */
  dialect: Dialect;
}

/**
 * Starts a command line in a container that has a shell: a shell itself, or one of the image's programs. Undefined when
 * the image has no such program.
 */
export function startInToolbox(context: ContainerContext, toolbox: Toolbox): Process | undefined {
  const [path = ''] = context.argv;
  const name = basename(path);
  if (path.includes('/') && !/^(\/usr(\/local)?)?\/s?bin\/[^/]+$/.test(path)) return startScript(context, toolbox);
  if (name === 'sleep') return startSleep(context);
  // The shell's own `kill` knows its jobs only.
  if (name === 'kill') return startKill(context);
  if (!toolbox.shells.includes(name) && !toolbox.programs.has(name)) return undefined;
  return lazily(async () => {
    const world = await makeWorld(context, toolbox);
    if (!toolbox.shells.includes(name)) return startTool(context, world, name);
    const dialect = name === 'bash' ? 'bash' : toolbox.dialect;
    const stderr = inDialect(context.stdio.stderr, name, dialect);
    return startShell({ ...context, stdio: { ...context.stdio, stderr } }, world, name);
  });
}

/** A script of the container's files that begins with `#!`. */
function startScript(context: ContainerContext, toolbox: Toolbox): Process | undefined {
  const path = context.argv[0]!;
  const content = context.files.readFile(path);
  if (!content) return undefined;
  const [, interpreter = '/bin/sh'] = /^#!\s*(\S+)/.exec(Buffer.from(content).toString('utf8', 0, 200)) ?? [];
  const shell = basename(interpreter) === 'env' ? 'sh' : basename(interpreter);
  return startInToolbox({ ...context, argv: [shell, ...context.argv] }, toolbox);
}

interface World {
  commands: Map<string, Command>;
  /** `pid`: its number in the container; a shell within a shell has one of the shell's own. */
  createShell(options: { name: string; args: string[]; interactive?: boolean; pid?: number }): Shell;
}

async function makeWorld(context: ContainerContext, toolbox: Toolbox): Promise<World> {
  const [{ createShell }, { standardPrograms }, { createCurl }, { netTools }, { ShellFiles }] = await Promise.all([
    import('#shell/shell.ts'),
    import('#shell/programs/programs.ts'),
    import('#shell/curl/curl.ts'),
    import('./tools/tools.ts'),
    import('./shell-files.ts'),
  ]);
  const { net, uid } = context;
  const curl = createCurl({ dial: (host, port, signal) => net.dial(host, port, { uid, signal }) });
  const all = [...standardPrograms(), curl, ...netTools(context)];
  const commands = new Map(all.filter(({ name }) => toolbox.programs.has(name)).map((one) => [one.name, one]));
  const ls = commands.get('ls');
  const owner = userName(context, uid) ?? String(uid);
  if (ls) commands.set('ls', { ...ls, execute: (call) => ls.execute({ ...call, env: { ...call.env, USER: owner } }) });
  for (const shell of toolbox.shells)
    commands.set(
      shell,
      nested(context, shell, () => world),
    );
  const fs = new ShellFiles(context, new Set([...toolbox.programs, ...toolbox.shells]));
  const { clock, cwd } = context;
  const signalOther = (pid: number, signal: string) =>
    processTable(context).signal(pid, signal === '0' ? undefined : (`SIG${signal}` as NodeJS.Signals));
  const env = { PWD: cwd, ...context.env };
  const world: World = {
    commands,
    createShell: (options) => createShell({ fs, clock, env: { ...env }, cwd, commands, uid, signalOther, ...options }),
  };
  return world;
}

/** What a shell's own arguments ask for. */
interface ShellCall {
  script?: string;
  file?: string;
  name: string;
  args: string[];
  /** Options for `set`, such as `-e`. */
  set: string[];
  interactive: boolean;
}

function readShellCall(name: string, words: string[]): ShellCall {
  const call: ShellCall = { name, args: [], set: [], interactive: false };
  let takesScript = false;
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    if (word === '--' || word === '-') {
      at++;
      break;
    }
    if (word.startsWith('--')) continue;
    if (!/^[-+]./.test(word)) break;
    if (word === '-o' || word === '+o') {
      call.set.push(word, words[++at] ?? '');
      continue;
    }
    for (const letter of word.slice(1)) {
      if (letter === 'c') takesScript = true;
      else if (letter === 'i') call.interactive = true;
      else if (letter === 'o') call.set.push('-o', words[++at] ?? '');
      else if (!'ls'.includes(letter)) call.set.push(`${word[0]}${letter}`);
    }
  }
  const rest = words.slice(at);
  if (takesScript) {
    [call.script = '', call.name = name] = rest;
    call.args = rest.slice(2);
  } else if (rest.length > 0) {
    call.file = rest[0]!;
    call.name = rest[0]!;
    call.args = rest.slice(1);
  }
  return call;
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
const setLine = ({ set }: ShellCall): string => (set.length > 0 ? `set ${set.map(quote).join(' ')}\n` : '');

/** The shell as a command inside a shell: `sh -c '…'`, `sh script.sh`, `… | sh`. */
function nested(context: ContainerContext, name: string, world: () => World): Command {
  return {
    name,
    async execute(command) {
      const call = readShellCall(name, command.args);
      const shell = world().createShell({ name: call.name, args: call.args });
      try {
        const stdio = { stdin: command.stdin, stdout: command.stdout, stderr: command.stderr };
        const enter = `cd ${quote(command.cwd)}\n${Object.entries(command.env)
          .filter(([key]) => /^[A-Za-z_]\w*$/.test(key))
          .map(([key, value]) => `export ${key}=${quote(value)}\n`)
          .join('')}`;
        await shell.run(enter, stdio, command.signal);
        const script = await scriptOf(context, call, command.stdin, command.cwd);
        if (script === undefined) {
          await command.stderr.write(`${name}: ${call.file}: No such file or directory\n`);
          return 127;
        }
        return await shell.run(setLine(call) + script, stdio, command.signal);
      } finally {
        shell.close();
      }
    },
  };
}

async function scriptOf(
  context: ContainerContext,
  call: ShellCall,
  stdin: AsyncIterable<Uint8Array>,
  cwd: string,
): Promise<string | undefined> {
  if (call.script !== undefined) return call.script;
  if (call.file !== undefined) {
    const path = call.file.startsWith('/') ? call.file : `${cwd}/${call.file}`;
    const content = context.files.readFile(path);
    return content && Buffer.from(content).toString();
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Delivers signals to a shell, which runs its trap for them or ends. */
function takeSignals(running: Running, shell: Shell): void {
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const)
    running.onSignal(signal, () => shell.kill(signal.slice(3)));
}

function startShell(context: ContainerContext, world: World, name: string): Process {
  const call = readShellCall(name, context.argv.slice(1));
  const isSession =
    call.script === undefined && call.file === undefined && (call.interactive || context.stdio.tty !== undefined);
  return startProcess(context, async (running) => {
    const shell = world.createShell({ name: call.name, args: call.args, interactive: isSession, pid: running.pid });
    running.onEnd(() => shell.close());
    if (isSession) return prompt(context, running, shell);
    takeSignals(running, shell);
    const { stdio } = context;
    if (call.script === undefined && call.file === undefined) {
      return runAsRead(shell, setLine(call), context, running);
    }
    const script = await scriptOf(context, call, stdio.stdin, context.cwd);
    if (script === undefined) {
      await stdio.stderr.write(`${name}: ${call.file}: No such file or directory\n`);
      return 127;
    }
    return shell.run(setLine(call) + script, stdio, running.signal);
  });
}

/** Commands from standard input, each run as soon as it is whole, so that it may read the rest of the input itself. */
async function runAsRead(shell: Shell, first: string, context: ContainerContext, running: Running): Promise<number> {
  const { stdio } = context;
  let pending = first;
  const decoder = new TextDecoder();
  for await (const chunk of stdio.stdin) {
    pending += decoder.decode(chunk, { stream: true });
    const end = pending.lastIndexOf('\n') + 1;
    const whole = pending.slice(0, end);
    if (!whole || shell.isIncomplete(whole)) continue;
    pending = pending.slice(end);
    await shell.run(whole, stdio, running.signal);
    if (shell.exit !== undefined) return shell.exit;
  }
  if (pending.trim()) await shell.run(pending, stdio, running.signal);
  return shell.exit ?? shell.status;
}

/** A session at a terminal: prompt, line, result, until `exit` or ^D. ^C ends the command, not the session. */
async function prompt(context: ContainerContext, running: Running, shell: Shell): Promise<number> {
  const { stdio } = context;
  let current: AbortController | undefined;
  let interrupted = false;
  running.onSignal('SIGINT', () => {
    interrupted = true;
    if (current) current.abort(new DOMException('interrupted', 'AbortError'));
    else void stdio.stdout.write(`\n${prefix()}`).catch(() => {});
  });
  running.onSignal('SIGHUP', () => running.exit(signalCode('SIGHUP')));
  // A shell with a terminal ignores SIGTERM, so that it does not end by accident.
  running.onSignal('SIGTERM', () => {});
  const mark = context.uid === 0 ? '#' : '$';
  const isBash = basename(context.argv[0] ?? '') === 'bash';
  const home = context.env['HOME'] ?? '/';
  const prefix = () => {
    const at = shell.cwd === home && home !== '/' ? '~' : shell.cwd;
    if (!isBash) return `${at} ${mark} `;
    return `${context.uid === 0 ? 'root' : 'I have no name!'}@${context.pod.name}:${at}${mark} `;
  };
  let pending = '';
  for (;;) {
    // A line that ^D sent on without its end is still being typed.
    if (!pending || pending.endsWith('\n')) await stdio.stdout.write(pending ? '> ' : prefix());
    const chunk = await stdio.stdin.read(running.signal).catch(() => undefined);
    if (running.signal.aborted) return shell.status;
    if (!chunk) {
      if (context.stdio.tty) await stdio.stdout.write(isBash ? 'exit\n' : '\n');
      return shell.status;
    }
    if (interrupted) pending = '';
    interrupted = false;
    pending += Buffer.from(chunk).toString();
    if (!pending.endsWith('\n') || shell.isIncomplete(pending)) continue;
    const line = pending;
    pending = '';
    current = new AbortController();
    await shell.run(line, stdio, AbortSignal.any([running.signal, current.signal]));
    if (current.signal.aborted) await stdio.stdout.write('\n');
    current = undefined;
    if (shell.exit !== undefined) return shell.exit;
  }
}

/** One of the image's programs, by itself. */
function startTool(context: ContainerContext, world: World, name: string): Process {
  return startProcess(context, async (running) => {
    const shell = world.createShell({ name: 'sh', args: [] });
    running.onEnd(() => shell.close());
    const line = [name, ...context.argv.slice(1)].map(quote).join(' ');
    return shell.run(line, context.stdio, running.signal);
  });
}
