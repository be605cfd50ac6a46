/** Finds what was added to a file of lines, such as a shell's history, since it was last looked at. */
export class NewLines {
  #known: string[];
  readonly #onLine: (line: string) => void;

  constructor(known: string[], onLine: (line: string) => void) {
    this.#known = [...known];
    this.#onLine = onLine;
  }

  /** All lines, as far as they were told. */
  get lines(): readonly string[] {
    return this.#known;
  }

  take(content: string): void {
    const lines = content.split('\n').filter((line) => line !== '');
    // A file that was cut or written anew is taken as it is: nobody can say which of its lines are new.
    const grown =
      lines.length >= this.#known.length && lines[this.#known.length - 1] === this.#known[this.#known.length - 1];
    const added = grown ? lines.slice(this.#known.length) : [];
    this.#known = lines;
    for (const line of added) this.#onLine(line);
  }
}
