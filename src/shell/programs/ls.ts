import type { Command, CommandContext } from '../command.ts';
import { reasonOf } from '../run/errors.ts';
import { type Options, parseOptions } from './arguments.ts';
import { program } from './define.ts';
import { strftime } from './strftime.ts';

interface Entry {
  name: string;
  kind: 'file' | 'directory' | 'link';
  mode: number;
  size: number;
  time: number;
  target: string | undefined;
}

/** Files older than half a year show their year and not their hour. */
const RECENT_MS = 15_778_476_000;
const BLOCK_BYTES = 4096;

async function entryOf(context: CommandContext, path: string, name: string, follow: boolean): Promise<Entry> {
  const stat = follow ? await context.fs.stat(path) : await context.fs.lstat(path);
  const kind = stat.isSymbolicLink ? 'link' : stat.isDirectory ? 'directory' : 'file';
  const target = kind === 'link' ? await context.fs.readlink(path) : undefined;
  return {
    name,
    kind,
    mode: stat.mode & 0o7777,
    size: kind === 'directory' ? BLOCK_BYTES : stat.size,
    time: stat.mtime.getTime(),
    target,
  };
}

function sorted(entries: Entry[], options: Options): Entry[] {
  const byName = (a: Entry, b: Entry) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const result = entries.slice().sort((a, b) => {
    if (options.has('t')) return b.time - a.time || byName(a, b);
    if (options.has('S')) return b.size - a.size || byName(a, b);
    return byName(a, b);
  });
  return options.has('r') ? result.reverse() : result;
}

export function modeText(kind: Entry['kind'], mode: number): string {
  const bits = [...'rwxrwxrwx'].map((letter, at) => (mode & (1 << (8 - at)) ? letter : '-')).join('');
  return `${{ file: '-', directory: 'd', link: 'l' }[kind]}${bits}`;
}

function sizeText(size: number, human: boolean): string {
  if (!human || size < 1024) return String(size);
  let value = size;
  let unit = -1;
  while (value >= 1024 && unit < 4) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 ? (Math.ceil(value * 10) / 10).toFixed(1) : Math.ceil(value)}${'KMGTP'[unit]}`;
}

class Lister {
  readonly #context: CommandContext;
  readonly #options: Options;
  readonly #paints: boolean;
  #isFirst = true;
  status = 0;

  constructor(context: CommandContext, options: Options) {
    this.#context = context;
    this.#options = options;
    const color = options.value('color');
    this.#paints = color === 'always' || ((color === 'auto' || color === '') && context.tty !== undefined);
  }

  #shown(entry: Entry): string {
    const quoted =
      this.#context.tty && /[\s'"\\$*?]/.test(entry.name) ? `'${entry.name.replaceAll("'", "'\\''")}'` : entry.name;
    const isProgram = entry.kind === 'file' && (entry.mode & 0o111) !== 0;
    const code = { directory: '01;34', link: '01;36', file: isProgram ? '01;32' : '' }[entry.kind];
    const painted = this.#paints && code ? `\x1b[${code}m${quoted}\x1b[0m` : quoted;
    if (this.#options.has('F') || this.#options.has('p')) {
      if (entry.kind === 'directory') return `${painted}/`;
      if (this.#options.has('F')) return painted + (entry.kind === 'link' ? '@' : isProgram ? '*' : '');
    }
    return painted;
  }

  async #print(entries: Entry[], withTotal: boolean): Promise<void> {
    const { stdout, tty, env, clock } = this.#context;
    const list = sorted(entries, this.#options);
    if (this.#options.has('l', 'n', 'g', 'o')) {
      const user = env['USER'] ?? (env['HOME'] === '/root' ? 'root' : 'learner');
      const sizes = list.map((entry) => sizeText(entry.size, this.#options.has('h')));
      const width = Math.max(0, ...sizes.map((size) => size.length));
      const blocks = list.reduce(
        (sum, entry) => sum + (entry.kind === 'link' ? 0 : Math.ceil(entry.size / BLOCK_BYTES) * 4),
        0,
      );
      let text = withTotal ? `total ${this.#options.has('h') ? sizeText(blocks * 1024, true) : blocks}\n` : '';
      for (const [index, entry] of list.entries()) {
        const isRecent = Math.abs(clock.now() - entry.time) < RECENT_MS;
        const time = strftime(isRecent ? '%b %e %H:%M' : '%b %e  %Y', entry.time);
        const owner = this.#options.has('n') ? '1000 1000' : this.#options.has('g') ? user : `${user} ${user}`;
        const arrow = entry.target === undefined ? '' : ` -> ${entry.target}`;
        text += `${modeText(entry.kind, entry.mode)} ${entry.kind === 'directory' ? 2 : 1} ${owner} ${sizes[index]!.padStart(width)} ${time} ${this.#shown(entry)}${arrow}\n`;
      }
      await stdout.write(text);
      return;
    }
    const names = list.map((entry) => this.#shown(entry));
    if (names.length === 0) return;
    const inColumns = (tty !== undefined || this.#options.has('C', 'x')) && !this.#options.has('1');
    await stdout.write(inColumns ? columns(names, tty?.size.columns ?? 80) : `${names.join('\n')}\n`);
  }

  async directory(path: string, name: string, titled: boolean): Promise<void> {
    const all = this.#options.has('a');
    const names = (await this.#context.fs.readdir(path)).filter(
      (each) => all || this.#options.has('A') || !each.startsWith('.'),
    );
    const entries: Entry[] = [];
    for (const each of all ? ['.', '..', ...names] : names)
      entries.push(
        await entryOf(this.#context, this.#context.fs.resolvePath(path, each), each, each === '.' || each === '..'),
      );
    if (titled) await this.#context.stdout.write(`${this.#isFirst ? '' : '\n'}${name}:\n`);
    this.#isFirst = false;
    await this.#print(entries, true);
    if (!this.#options.has('R')) return;
    for (const entry of sorted(entries, this.#options)) {
      if (entry.kind !== 'directory' || entry.name === '.' || entry.name === '..') continue;
      await this.directory(
        this.#context.fs.resolvePath(path, entry.name),
        `${name.replace(/\/$/, '')}/${entry.name}`,
        true,
      );
    }
  }

  async run(operands: readonly string[]): Promise<number> {
    const plain: Entry[] = [];
    const directories: { path: string; name: string }[] = [];
    for (const name of operands.length > 0 ? operands : ['.']) {
      const path = this.#context.fs.resolvePath(this.#context.cwd, name);
      try {
        const entry = await entryOf(this.#context, path, name, !this.#options.has('l'));
        if (entry.kind === 'directory' && !this.#options.has('d')) directories.push({ path, name });
        else plain.push(entry);
      } catch (error) {
        await this.#context.stderr.write(`ls: cannot access ${name === '' ? "''" : `'${name}'`}: ${reasonOf(error)}\n`);
        this.status = 2;
      }
    }
    if (plain.length > 0) {
      await this.#print(plain, false);
      this.#isFirst = false;
    }
    const titled = operands.length > 1 || this.#options.has('R');
    for (const { path, name } of directories.sort((a, b) => (a.name < b.name ? -1 : 1)))
      await this.directory(path, name, titled);
    return this.status;
  }
}

/** As many columns as fit, filled downwards; colours do not count. */
function columns(names: readonly string[], width: number): string {
  const size = (name: string) => name.replace(/\x1b\[[0-9;]*m/g, '').length;
  for (let rows = 1; rows < names.length; rows++) {
    const count = Math.ceil(names.length / rows);
    const widths = Array.from({ length: count }, (_, i) =>
      Math.max(...names.slice(i * rows, (i + 1) * rows).map(size)),
    );
    if (widths.reduce((sum, each) => sum + each + 2, -2) > width) continue;
    let text = '';
    for (let row = 0; row < rows; row++) {
      const cells = widths.map((each, i) => {
        const name = names[i * rows + row] ?? '';
        return i === count - 1 ? name : name + ' '.repeat(each - size(name));
      });
      text += `${cells.join('  ').trimEnd()}\n`;
    }
    return text;
  }
  return `${names.join('\n')}\n`;
}

export const ls: Command = program('ls', 'list files', (context) => {
  const options = parseOptions(context.args, 'laA1RtSrhdFpCxngoiTU', {
    long: [
      'all',
      'almost-all',
      'recursive',
      'reverse',
      'human-readable',
      'directory',
      'color::',
      'classify',
      'full-time',
      'group-directories-first',
    ],
    alias: {
      all: 'a',
      'almost-all': 'A',
      recursive: 'R',
      reverse: 'r',
      'human-readable': 'h',
      directory: 'd',
      classify: 'F',
    },
    status: 2,
  });
  return new Lister(context, options).run(options.operands);
});
