/** What Go's encoding/json says of text that is no JSON (encoding/json/scanner.go); undefined when it is. */
export function goJsonProblem(text: string): string | undefined {
  const scanner = new Scanner(text);
  try {
    scanner.value('looking for beginning of value');
    scanner.end();
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
}

class Problem extends Error {}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #fail(context: string): never {
    const char = this.#text[this.#at];
    if (char === undefined) throw new Problem('unexpected end of JSON input');
    const shown = char === "'" ? `'\\''` : char === '"' ? `'"'` : `'${JSON.stringify(char).slice(1, -1)}'`;
    throw new Problem(`invalid character ${shown} ${context}`);
  }

  #space(): void {
    while (/^[ \t\r\n]$/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #next(): string | undefined {
    this.#space();
    return this.#text[this.#at];
  }

  end(): void {
    if (this.#next() !== undefined) this.#fail('after top-level value');
  }

  value(context: string): void {
    const char = this.#next();
    if (char === '{') this.#object();
    else if (char === '[') this.#array();
    else if (char === '"') this.#string();
    else if (char === 't') this.#literal('true');
    else if (char === 'f') this.#literal('false');
    else if (char === 'n') this.#literal('null');
    else if (char !== undefined && /[-\d]/.test(char)) this.#number();
    else this.#fail(context);
  }

  #object(): void {
    this.#at++;
    if (this.#next() === '}') {
      this.#at++;
      return;
    }
    for (;;) {
      if (this.#next() !== '"') this.#fail('looking for beginning of object key string');
      this.#string();
      if (this.#next() !== ':') this.#fail('after object key');
      this.#at++;
      this.value('looking for beginning of value');
      const char = this.#next();
      if (char !== ',' && char !== '}') this.#fail('after object key:value pair');
      this.#at++;
      if (char === '}') return;
    }
  }

  #array(): void {
    this.#at++;
    if (this.#next() === ']') {
      this.#at++;
      return;
    }
    for (;;) {
      this.value('looking for beginning of value');
      const char = this.#next();
      if (char !== ',' && char !== ']') this.#fail('after array element');
      this.#at++;
      if (char === ']') return;
    }
  }

  #string(): void {
    for (this.#at++; ; this.#at++) {
      const char = this.#text[this.#at];
      if (char === '"') break;
      if (char === undefined || char < ' ') this.#fail('in string literal');
      if (char === '\\') {
        this.#at++;
        if (!/^["\\/bfnrtu]$/.test(this.#text[this.#at] ?? '')) this.#fail('in string escape code');
      }
    }
    this.#at++;
  }

  #literal(word: string): void {
    for (let i = 1; i < word.length; i++) {
      this.#at++;
      if (this.#text[this.#at] !== word[i]) this.#fail(`in literal ${word} (expecting '${word[i]}')`);
    }
    this.#at++;
  }

  #number(): void {
    if (this.#text[this.#at] === '-') this.#at++;
    if (!/^\d$/.test(this.#text[this.#at] ?? '')) this.#fail('in numeric literal');
    const match = /^(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/.exec(this.#text.slice(this.#at))!;
    this.#at += match[0].length;
  }
}

/** A value as Go's `%v` prints it. */
export function goPrint(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goPrint).join(' ')}]`;
  if (typeof value === 'object') {
    const keys = Object.keys(value).sort();
    return `map[${keys.map((key) => `${key}:${goPrint((value as Record<string, unknown>)[key])}`).join(' ')}]`;
  }
  return String(value);
}

/** A value read from JSON as Go's `%#v` prints it. */
export function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (typeof value === 'object') {
    const fields = value as Record<string, unknown>;
    const parts = Object.keys(fields)
      .filter((key) => fields[key] !== undefined)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${goSyntax(fields[key])}`);
    return `map[string]interface {}{${parts.join(', ')}}`;
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
