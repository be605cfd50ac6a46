import { descriptorOf } from '../devices.ts';
import { endlessDevice } from '../endless.ts';
import { expandHereText, expandToString, expandWords } from '../expand/word.ts';
import { nullFile, OpenFile, readEnd } from '../files.ts';
import { ShellError } from '../flow.ts';
import { discard, readerOf } from '../pipe.ts';
import type { ShellProcess } from '../process.ts';
import type { ByteWriter } from '../stdio.ts';
import type { Redirection, WordNode } from '../syntax/tree.ts';
import { reasonOf } from './errors.ts';

/** Appends to a file; writes that come while one is under way go out together. */
class FileWriter implements ByteWriter {
  readonly #sh: ShellProcess;
  readonly #path: string;
  #waiting: Uint8Array[] = [];
  #flushing: Promise<void> | undefined;

  constructor(sh: ShellProcess, path: string) {
    this.#sh = sh;
    this.#path = path;
  }
  write(data: Uint8Array | string): Promise<void> {
    this.#waiting.push(typeof data === 'string' ? Buffer.from(data) : data);
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }
  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const chunks = this.#waiting;
      this.#waiting = [];
      await this.#sh.world.fs.appendFile(this.#path, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    }
  }
  end(): void {}
}

/** Opens a file for writing as `>` (or `>>`) does. */
async function openForWriting(
  sh: ShellProcess,
  name: string,
  o: { append: boolean; force: boolean },
): Promise<OpenFile> {
  const path = sh.path(name);
  if (path === '/dev/null' || path === '/dev/zero') return nullFile();
  if (path === '/dev/tty') return terminal(sh, name);
  const fd = descriptorOf(path);
  if (fd !== undefined) return duplicate(sh, fd, name);
  try {
    const exists = await sh.fs.exists(path);
    if (exists && (await sh.fs.stat(path)).isDirectory) throw new ShellError(`${name}: Is a directory`);
    if (exists && !o.append && !o.force && sh.options.has('noclobber'))
      throw new ShellError(`${name}: cannot overwrite existing file`);
    if (!exists) {
      const parent = path.slice(0, path.lastIndexOf('/')) || '/';
      if (!(await sh.fs.exists(parent))) throw new ShellError(`${name}: No such file or directory`);
      if (!(await sh.fs.stat(parent)).isDirectory) throw new ShellError(`${name}: Not a directory`);
    }
    if (!exists || !o.append) await sh.fs.writeFile(path, '');
  } catch (error) {
    if (error instanceof ShellError) throw error;
    throw new ShellError(`${name}: ${reasonOf(error)}`);
  }
  return new OpenFile({ writer: new FileWriter(sh, path) });
}

async function openForReading(sh: ShellProcess, name: string): Promise<OpenFile> {
  const path = sh.path(name);
  if (path === '/dev/null') return nullFile();
  if (path === '/dev/tty') return terminal(sh, name);
  const endless = endlessDevice(path);
  if (endless) return readEnd(endless);
  const fd = descriptorOf(path);
  if (fd !== undefined) return duplicate(sh, fd, name);
  try {
    if ((await sh.fs.stat(path)).isDirectory) throw new ShellError(`${name}: Is a directory`);
    return readEnd(readerOf(await sh.fs.readFileBuffer(path)));
  } catch (error) {
    if (error instanceof ShellError) throw error;
    throw new ShellError(`${name}: ${reasonOf(error)}`);
  }
}

function terminal(sh: ShellProcess, name: string): OpenFile {
  for (const fd of [0, 1, 2]) {
    const file = sh.fds.get(fd);
    if (file?.tty) return file.retain();
  }
  throw new ShellError(`${name}: No such device or address`);
}

function duplicate(sh: ShellProcess, fd: number, name: string): OpenFile {
  const file = sh.fds.get(fd);
  if (!file) throw new ShellError(`${name}: Bad file descriptor`);
  return file.retain();
}

/** Applies redirections to the process's own descriptors; the returned function takes them back. */
export async function redirect(sh: ShellProcess, redirections: readonly Redirection[]): Promise<() => void> {
  const undo: (() => void)[] = [];
  const undoAll = () => {
    for (const back of undo.reverse()) back();
    undo.length = 0;
  };
  try {
    for (const redirection of redirections)
      await redirectOne(sh, redirection, (fd, file) => undo.push(sh.fds.swap(fd, file)));
  } catch (error) {
    undoAll();
    throw error;
  }
  return undoAll;
}

/** As `exec >file`: the redirections stay. */
export async function redirectForGood(sh: ShellProcess, redirections: readonly Redirection[]): Promise<void> {
  for (const redirection of redirections) await redirectOne(sh, redirection, (fd, file) => sh.fds.put(fd, file));
}

type Put = (fd: number, file: OpenFile | undefined) => void;

async function redirectOne(sh: ShellProcess, redirection: Redirection, put: Put): Promise<void> {
  const { operator, target } = redirection;
  if (target.type === 'HereDoc') {
    const content = target.stripTabs ? withoutTabs(target.content) : target.content;
    const text = await expandToString(sh, content, !target.quoted);
    put(redirection.fd ?? 0, readEnd(readerOf(text)));
    return;
  }
  if (operator === '<<<') {
    put(redirection.fd ?? 0, readEnd(readerOf(`${await expandToString(sh, target)}\n`)));
    return;
  }
  const name = await targetOf(sh, target);
  const isInput = operator.startsWith('<');
  let fd = redirection.fd ?? (isInput ? 0 : 1);
  if (redirection.fdVariable) {
    if (name === '-') {
      put(Number(sh.variables.value(redirection.fdVariable) ?? -1), undefined);
      return;
    }
    fd = sh.fds.free(10);
    sh.variables.set(redirection.fdVariable, String(fd));
    // A descriptor in a variable outlives its command.
    put = (number, file) => sh.fds.put(number, file);
  }
  switch (operator) {
    case '<':
      return put(fd, await openForReading(sh, name));
    case '<>': {
      const path = sh.path(name);
      if (!(await sh.fs.exists(path))) await sh.fs.writeFile(path, '');
      const input = await openForReading(sh, name);
      const output = await openForWriting(sh, name, { append: true, force: true });
      return put(
        fd,
        new OpenFile({ reader: input.reader ?? readerOf(''), writer: output.writer ?? discard, tty: input.tty }),
      );
    }
    case '>':
    case '>|':
    case '>>':
      return put(fd, await openForWriting(sh, name, { append: operator === '>>', force: operator === '>|' }));
    case '&>':
    case '&>>':
      return both(sh, name, operator === '&>>', put);
    case '>&':
    case '<&': {
      if (name === '-') return put(fd, undefined);
      const move = /^(\d+)(-?)$/.exec(name);
      if (!move) {
        if (operator === '>&' && redirection.fd === null) return both(sh, name, false, put);
        throw new ShellError(`${name}: ambiguous redirect`);
      }
      const from = Number(move[1]);
      put(fd, duplicate(sh, from, name));
      if (move[2]) put(from, undefined);
    }
  }
}

/** `<<-`: tabs at the beginning of lines do not count. */
function withoutTabs(content: WordNode): WordNode {
  const parts = content.parts.map((part, index) => {
    if (part.type !== 'Literal') return part;
    const value = part.value.replace(/\n\t+/g, '\n');
    return { ...part, value: index === 0 ? value.replace(/^\t+/, '') : value };
  });
  return { ...content, parts };
}

async function both(sh: ShellProcess, name: string, append: boolean, put: Put): Promise<void> {
  const file = await openForWriting(sh, name, { append, force: false });
  put(1, file);
  put(2, file.retain());
}

async function targetOf(sh: ShellProcess, word: WordNode): Promise<string> {
  const words = await expandWords(sh, [word]);
  if (words.length === 1) return words[0]!;
  throw new ShellError(`${await expandHereText(sh, (await expandToString(sh, word)) || '')}: ambiguous redirect`);
}
