import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseAllDocuments, parseDocument } from 'yaml';
import type { Mistake } from './mistakes.ts';

/** YAML that remembers where everything stands. */
export class YamlSource {
  readonly file: string;
  /** The data, as far as it could be read. */
  readonly value: unknown;
  /** What is no YAML. */
  readonly mistakes: Mistake[];
  readonly #document: Document;
  readonly #lines = new LineCounter();
  readonly #firstLine: number;

  /** `firstLine`: where `text` begins in its file, for front matter. */
  constructor(file: string, text: string, firstLine = 1) {
    this.file = file;
    this.#firstLine = firstLine;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    this.mistakes = this.#document.errors.map((error) => ({
      file,
      ...this.#place(error.pos[0]),
      message: inWords(error),
    }));
    this.value = this.#document.contents ? this.#document.toJS() : undefined;
  }

  /** Where the value at `path` stands; its nearest parent's place when it is not there. */
  place(path: readonly PropertyKey[]): { line: number; column: number } {
    for (let length = path.length; length >= 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true) as Node | undefined;
      const offset = length > 0 ? (this.#keyOffset(path.slice(0, length)) ?? node?.range?.[0]) : node?.range?.[0];
      if (offset !== undefined) return this.#place(offset);
    }
    return this.#place(0);
  }

  mistake(path: readonly PropertyKey[], at: string, message: string): Mistake {
    return { file: this.file, ...this.place(path), at, message };
  }

  #keyOffset(path: readonly PropertyKey[]): number | undefined {
    const parent = this.#document.getIn(path.slice(0, -1), true);
    if (!isMap(parent)) return undefined;
    const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === path.at(-1));
    return (pair?.key as Node | undefined)?.range?.[0];
  }

  #place(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line) + this.#firstLine - 1, column: Math.max(1, col) };
  }
}

/** What is no YAML in a file of several documents. */
export function syntaxMistakes(file: string, text: string): Mistake[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) =>
    document.errors.map((error) => {
      const { line, col } = lines.linePos(error.pos[0]);
      return { file, line, column: col, message: inWords(error) };
    }),
  );
}

const inWords = (error: { message: string }) => `is not YAML: ${error.message.split('\n')[0]!.replace(/\.?$/, '.')}`;
