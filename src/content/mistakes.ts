/** Something an author got wrong, where it stands, and how to put it right. */
export interface Mistake {
  /** Relative to the project's top folder, with forward slashes. */
  file: string;
  /** Counted from 1; 1 when the whole file is meant. */
  line: number;
  column?: number;
  /** Where in the data, as `tasks[1].check`. */
  at?: string;
  /** One sentence. Says what is expected, or what was meant. */
  message: string;
}

/** `labs/x/lab.yaml:12:9  tasks[1].check: there is no check "certifcate". Did you mean "certificate"?` */
export function asLine({ file, line, column, at, message }: Mistake): string {
  return `${file}:${line}${column ? `:${column}` : ''}  ${at ? `${at}: ` : ''}${message}`;
}

/** By file, then by line. */
export function inOrder(mistakes: Mistake[]): Mistake[] {
  return [...mistakes].sort(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line || (a.column ?? 0) - (b.column ?? 0),
  );
}

/** `tasks[1].with.pods` */
export function asPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
}
