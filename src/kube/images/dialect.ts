import type { ByteWriter } from '#shell/stdio.ts';

/** Whose words a container's `sh` uses: BusyBox's ash, Debian's dash, or bash itself. */
export type Dialect = 'ash' | 'dash' | 'bash';

/** A complaint of the shell: `sh: line 3: nosuch: command not found`; without the line at a prompt. */
const COMPLAINT = /^([\w./-]+): (?:line (\d+): )?(.*)$/;

function reword(line: string, name: string, dialect: Dialect): string {
  const [, who, number = '1', what = ''] = COMPLAINT.exec(line) ?? [];
  if (who !== name) return line;
  const prefix = dialect === 'dash' ? `${who}: ${number}: ` : `${who}: `;
  const [, missing] = /^(.+): command not found$/.exec(what) ?? [];
  if (missing !== undefined) return `${prefix}${missing}: not found`;
  const [, folder] = /^cd: (.+): No such file or directory$/.exec(what) ?? [];
  if (folder !== undefined) {
    return dialect === 'dash'
      ? `${prefix}cd: can't cd to ${folder}`
      : `${who}: cd: line ${number}: can't cd to ${folder}: No such file or directory`;
  }
  const [, fixed] = /^(.+): Read-only file system$/.exec(what) ?? [];
  if (fixed !== undefined) return `${prefix}can't create ${fixed}: Read-only file system`;
  return `${prefix}${what}`;
}

/** Standard error of a shell that is no bash: what the shell itself says is worded as that shell words it. */
export function inDialect(writer: ByteWriter, name: string, dialect: Dialect): ByteWriter {
  if (dialect === 'bash') return writer;
  return {
    write(data) {
      const text = typeof data === 'string' ? data : Buffer.from(data).toString();
      if (!text.startsWith(`${name}: `)) return writer.write(data);
      const lines = text.split('\n').map((line) => reword(line, name, dialect));
      return writer.write(lines.join('\n'));
    },
    end: () => writer.end(),
  };
}
