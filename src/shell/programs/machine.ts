import type { Command } from '../command.ts';
import { parseOptions } from './arguments.ts';
import { program } from './define.ts';

const userOf = (env: Record<string, string>) =>
  env['USER'] ?? env['LOGNAME'] ?? (env['HOME'] === '/root' ? 'root' : 'learner');
const uidOf = (user: string) => (user === 'root' ? 0 : 1000);

const uname = program('uname', 'what system this is', async (context) => {
  const options = parseOptions(context.args, 'asnrvmpio', { long: ['all'], alias: { all: 'a' } });
  const parts: Record<string, string> = {
    s: 'Linux',
    n: context.env['HOSTNAME'] ?? 'lab',
    r: '6.6.0-lab',
    v: '#1 SMP',
    m: 'x86_64',
    o: 'GNU/Linux',
  };
  const shown = Object.keys(parts).filter((letter) => options.has('a', letter));
  await context.stdout.write(`${(shown.length > 0 ? shown : ['s']).map((letter) => parts[letter]).join(' ')}\n`);
  return 0;
});

const hostname = program('hostname', 'the name of this machine', async (context) => {
  await context.stdout.write(`${context.env['HOSTNAME'] ?? 'lab'}\n`);
  return 0;
});

const whoami = program('whoami', 'the name of the user', async (context) => {
  await context.stdout.write(`${userOf(context.env)}\n`);
  return 0;
});

const id = program('id', 'the ids of the user', async (context) => {
  const options = parseOptions(context.args, 'ugnG');
  const user = userOf(context.env);
  const number = uidOf(user);
  const only = options.has('u') || options.has('g') || options.has('G');
  await context.stdout.write(
    only
      ? `${options.has('n') ? user : number}\n`
      : `uid=${number}(${user}) gid=${number}(${user}) groups=${number}(${user})\n`,
  );
  return 0;
});

const clear = program('clear', 'clear the screen', async (context) => {
  await context.stdout.write('\x1b[H\x1b[2J\x1b[3J');
  return 0;
});

const mktemp = program('mktemp', 'make a temporary file or directory', async (context) => {
  const options = parseOptions(context.args, 'dqtup:', {
    long: ['directory', 'tmpdir::', 'suffix:'],
    alias: { directory: 'd' },
  });
  const template = options.operands[0] ?? 'tmp.XXXXXXXXXX';
  const folder =
    options.value('p') ?? (options.operands[0] && !options.has('t', 'tmpdir') ? '' : (context.env['TMPDIR'] ?? '/tmp'));
  const random = () =>
    'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'[Math.floor(Math.random() * 62)]!;
  const name =
    template.replace(/X{3,}(?=[^X]*$)/, (marks) => [...marks].map(random).join('')) + (options.value('suffix') ?? '');
  const path = context.fs.resolvePath(context.cwd, folder ? `${folder}/${name}` : name);
  await context.fs.mkdir(path.slice(0, path.lastIndexOf('/')) || '/', { recursive: true });
  if (options.has('d')) await context.fs.mkdir(path);
  else if (!options.has('u')) await context.fs.writeFile(path, '');
  await context.stdout.write(`${folder ? path : name}\n`);
  return 0;
});

const tty = program('tty', 'the name of the terminal', async (context) => {
  await context.stdout.write(context.tty ? '/dev/pts/0\n' : 'not a tty\n');
  return context.tty ? 0 : 1;
});

const realpath = program('realpath', 'the full path of a file', async (context) => {
  const options = parseOptions(context.args, 'ems', { long: ['relative-to:'] });
  for (const name of options.operands) {
    const path = context.fs.resolvePath(context.cwd, name);
    await context.stdout.write(`${(await context.fs.exists(path)) ? await context.fs.realpath(path) : path}\n`);
  }
  return 0;
});

const sync = program('sync', 'nothing to do here', async () => 0);

export const machinePrograms: Command[] = [uname, hostname, whoami, id, clear, mktemp, tty, realpath, sync];
