import type { CommandContext } from '#shell/command.ts';

/** A block of PEM with its headers, such as `Proc-Type` of an encrypted key. */
export interface PemText {
  label: string;
  headers: Record<string, string>;
  der: Uint8Array;
  /** The block as it stood in the file. */
  text: string;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([\s\S]*?)-----END \1-----[ \t]*(?:\r?\n|$)/g;

/** The readable blocks of a text, in order. A broken one is passed over, as Go's and OpenSSL's readers do. */
export function pemBlocks(text: string): PemText[] {
  return [...text.matchAll(BLOCK)].flatMap(([all, label = '', body = '']) => {
    const [, head = '', rest = body] = /^((?:[A-Za-z-]+: .*\r?\n)+)\r?\n([\s\S]*)$/.exec(body) ?? [];
    const base64 = rest.replace(/\s+/g, '');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return [];
    const headers = Object.fromEntries(
      head
        .split(/\r?\n/)
        .filter(Boolean)
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
    );
    return [{ label, headers, der: Buffer.from(base64, 'base64'), text: all }];
  });
}

/** Everything to the end of standard input. */
export async function readStdin({ stdin, signal }: Pick<CommandContext, 'stdin' | 'signal'>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await stdin.read(signal); chunk; chunk = await stdin.read(signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** One line that is typed, without its newline; undefined at the end of input. `hidden` shows nothing of it. */
export async function ask(context: CommandContext, question: string, hidden = false): Promise<string | undefined> {
  const { stdin, stderr, tty, signal } = context;
  await stderr.write(question);
  const restore = hidden ? tty?.setRaw() : undefined;
  let line = '';
  try {
    for (let chunk = await stdin.read(signal); chunk; chunk = await stdin.read(signal)) {
      for (const char of Buffer.from(chunk).toString('utf8')) {
        if (char === '\n' || char === '\r') return line;
        if (restore && char === '\x03') throw new DOMException('interrupted', 'AbortError');
        if (restore && (char === '\x7f' || char === '\b')) line = line.slice(0, -1);
        else line += char;
      }
    }
    return line === '' ? undefined : line;
  } finally {
    if (restore) {
      restore();
      await stderr.write('\n');
    }
  }
}
