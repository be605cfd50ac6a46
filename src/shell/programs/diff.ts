import type { Command, CommandContext } from '../command.ts';
import { readAll } from '../pipe.ts';
import { type Options, parseOptions, UsageError } from './arguments.ts';
import { program } from './define.ts';
import { openInput } from './input.ts';
import { strftime } from './strftime.ts';

/** A run of lines that differ: [start, end) in each file. */
interface Hunk {
  a: [number, number];
  b: [number, number];
}

/** Most steps of the search; beyond them what is left is taken as one change. */
const MOST_STEPS = 4_000;

/** The differences of two lists of lines, by Myers' algorithm. */
export function compareLines(a: readonly string[], b: readonly string[]): Hunk[] {
  let start = 0;
  let [endA, endB] = [a.length, b.length];
  while (start < endA && start < endB && a[start] === b[start]) start++;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  const pairs = matchLines(a.slice(start, endA), b.slice(start, endB));
  const hunks: Hunk[] = [];
  let [x, y] = [0, 0];
  for (const [i, j] of [...pairs, [endA - start, endB - start] as const]) {
    if (i > x || j > y) hunks.push({ a: [start + x, start + i], b: [start + y, start + j] });
    [x, y] = [i + 1, j + 1];
  }
  return hunks;
}

/** Pairs of equal lines on a shortest path. */
function matchLines(a: readonly string[], b: readonly string[]): [number, number][] {
  const most = Math.min(a.length + b.length, MOST_STEPS);
  const history: Map<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let d = 0; d <= most; d++) {
    history.push(new Map(furthest));
    const next = new Map(furthest);
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
      let x = down ? (furthest.get(k + 1) ?? 0) : (furthest.get(k - 1) ?? 0) + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++;
        y++;
      }
      next.set(k, x);
      furthest.set(k, x);
      if (x >= a.length && y >= b.length) return backtrack(history, a.length, b.length);
    }
    furthest = next;
  }
  return [];
}

function backtrack(history: Map<number, number>[], lengthA: number, lengthB: number): [number, number][] {
  const pairs: [number, number][] = [];
  let [x, y] = [lengthA, lengthB];
  for (let d = history.length - 1; d >= 0; d--) {
    const furthest = history[d]!;
    const k = x - y;
    const down = k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
    const fromK = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : (furthest.get(fromK) ?? 0);
    const fromY = d === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY) {
      x--;
      y--;
      if (d === 0 || !(x < (down ? fromX : fromX + 1) || y < (down ? fromY + 1 : fromY))) pairs.push([x, y]);
      else break;
    }
    [x, y] = [fromX, fromY];
  }
  return pairs.reverse();
}

function normal(a: readonly string[], b: readonly string[], hunks: readonly Hunk[]): string {
  const range = ([from, to]: [number, number]) =>
    to - from > 1 ? `${from + 1},${to}` : String(to - from === 0 ? from : from + 1);
  let text = '';
  for (const hunk of hunks) {
    const kind = hunk.a[0] === hunk.a[1] ? 'a' : hunk.b[0] === hunk.b[1] ? 'd' : 'c';
    text += `${range(hunk.a)}${kind}${range(hunk.b)}\n`;
    for (const line of a.slice(...hunk.a)) text += `< ${line}\n`;
    if (kind === 'c') text += '---\n';
    for (const line of b.slice(...hunk.b)) text += `> ${line}\n`;
  }
  return text;
}

function unified(a: readonly string[], b: readonly string[], hunks: readonly Hunk[], context: number): string {
  const groups: Hunk[][] = [];
  for (const hunk of hunks) {
    const last = groups.at(-1)?.at(-1);
    if (last && hunk.a[0] - last.a[1] <= 2 * context) groups.at(-1)!.push(hunk);
    else groups.push([hunk]);
  }
  let text = '';
  for (const group of groups) {
    const first = group[0]!;
    const last = group.at(-1)!;
    const lead = Math.min(context, first.a[0]);
    const trail = Math.min(context, a.length - last.a[1]);
    const range = (from: number, to: number) =>
      `${to === from ? from : from + 1}${to - from === 1 ? '' : `,${to - from}`}`;
    text += `@@ -${range(first.a[0] - lead, last.a[1] + trail)} +${range(first.b[0] - lead, last.b[1] + trail)} @@\n`;
    let at = first.a[0] - lead;
    for (const hunk of group) {
      for (const line of a.slice(at, hunk.a[0])) text += ` ${line}\n`;
      for (const line of a.slice(...hunk.a)) text += `-${line}\n`;
      for (const line of b.slice(...hunk.b)) text += `+${line}\n`;
      at = hunk.a[1];
    }
    for (const line of a.slice(at, at + trail)) text += ` ${line}\n`;
  }
  return text;
}

async function linesOf(context: CommandContext, name: string): Promise<string[]> {
  const text = Buffer.from(await readAll(await openInput(context, name), context.signal)).toString('utf8');
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  else if (lines.length > 0) lines[lines.length - 1] += '\n\\ No newline at end of file';
  return lines;
}

async function isDirectory(context: CommandContext, name: string): Promise<boolean> {
  if (name === '-') return false;
  const path = context.fs.resolvePath(context.cwd, name);
  return (await context.fs.exists(path)) && (await context.fs.stat(path)).isDirectory;
}

async function files(
  context: CommandContext,
  options: Options,
  left: string,
  right: string,
  title: string,
): Promise<number> {
  const [a, b] = [await linesOf(context, left), await linesOf(context, right)];
  const key = (line: string) => {
    let text = line;
    if (options.has('i')) text = text.toLowerCase();
    if (options.has('w')) text = text.replace(/\s+/g, '');
    if (options.has('b')) text = text.replace(/\s+/g, ' ').trimEnd();
    return text;
  };
  let hunks = compareLines(a.map(key), b.map(key));
  if (options.has('B'))
    hunks = hunks.filter((hunk) => [...a.slice(...hunk.a), ...b.slice(...hunk.b)].some((line) => line.trim() !== ''));
  if (hunks.length === 0) {
    if (options.has('s')) await context.stdout.write(`Files ${left} and ${right} are identical\n`);
    return 0;
  }
  if (options.has('q')) {
    await context.stdout.write(`Files ${left} and ${right} differ\n`);
    return 1;
  }
  const size = options.has('U') ? Number(options.value('U')) || 0 : 3;
  let text = title;
  if (options.has('u', 'U')) {
    const stamp = async (name: string) => {
      const path = context.fs.resolvePath(context.cwd, name);
      const time = name === '-' ? context.clock.now() : (await context.fs.stat(path)).mtime.getTime();
      return strftime('%F %T.%N %z', time);
    };
    text += `--- ${left}\t${await stamp(left)}\n+++ ${right}\t${await stamp(right)}\n${unified(a, b, hunks, size)}`;
  } else text += normal(a, b, hunks);
  const painted =
    options.value('color') === 'always' || (options.has('color') && options.value('color') !== 'never' && context.tty);
  if (painted) text = text.replace(/^([-<].*)$/gm, '\x1b[31m$1\x1b[0m').replace(/^([+>].*)$/gm, '\x1b[32m$1\x1b[0m');
  await context.stdout.write(text);
  return 1;
}

async function trees(context: CommandContext, options: Options, left: string, right: string): Promise<number> {
  const names = async (name: string) => (await context.fs.readdir(context.fs.resolvePath(context.cwd, name))).sort();
  const [a, b] = [await names(left), await names(right)];
  let status = 0;
  for (const name of [...new Set([...a, ...b])].sort()) {
    const [x, y] = [`${left.replace(/\/$/, '')}/${name}`, `${right.replace(/\/$/, '')}/${name}`];
    if (!a.includes(name) || !b.includes(name)) {
      await context.stdout.write(`Only in ${a.includes(name) ? left : right}: ${name}\n`);
      status = 1;
    } else if ((await isDirectory(context, x)) && (await isDirectory(context, y))) {
      if (options.has('r')) status = (await trees(context, options, x, y)) || status;
      else await context.stdout.write(`Common subdirectories: ${x} and ${y}\n`);
    } else
      status =
        (await files(
          context,
          options,
          x,
          y,
          `diff ${context.args.slice(0, -2).join(' ')} ${x} ${y}\n`.replace('  ', ' '),
        )) || status;
  }
  return status;
}

export const diff: Command = program('diff', 'compare files line by line', async (context) => {
  const options = parseOptions(context.args, 'uU:qrsiwbBNay', {
    long: [
      'unified::',
      'brief',
      'recursive',
      'report-identical-files',
      'ignore-case',
      'ignore-all-space',
      'ignore-space-change',
      'ignore-blank-lines',
      'new-file',
      'color::',
      'normal',
      'text',
    ],
    alias: {
      unified: 'u',
      brief: 'q',
      recursive: 'r',
      'report-identical-files': 's',
      'ignore-case': 'i',
      'ignore-all-space': 'w',
      'ignore-space-change': 'b',
      'ignore-blank-lines': 'B',
      'new-file': 'N',
    },
    status: 2,
  });
  const [left, right, extra] = options.operands;
  if (left === undefined || right === undefined) throw new UsageError(`missing operand after '${left ?? 'diff'}'`, 2);
  if (extra !== undefined) throw new UsageError(`extra operand '${extra}'`, 2);
  if (options.has('y')) throw new UsageError('side by side output is not available here; use diff -u', 2);
  try {
    const [x, y] = [await isDirectory(context, left), await isDirectory(context, right)];
    if (x && y) return await trees(context, options, left, right);
    const into = (directory: string, file: string) => `${directory.replace(/\/$/, '')}/${file.replace(/^.*\//, '')}`;
    return await files(context, options, x ? into(left, right) : left, y ? into(right, left) : right, '');
  } catch (error) {
    if (context.signal.aborted) throw error;
    throw new UsageError((error as Error).message, 2);
  }
});
