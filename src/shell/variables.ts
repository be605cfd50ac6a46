import { ShellError } from './flow.ts';

/** A shell variable. Exactly one of `value`, `list` and `map` is in use; none: declared without a value. */
export interface Variable {
  value?: string | undefined;
  /** Indexed array. */
  list?: Map<number, string> | undefined;
  /** Associative array. */
  map?: Map<string, string> | undefined;
  exported?: boolean;
  readonly?: boolean;
  integer?: boolean;
  /** The value is the name of another variable. */
  reference?: boolean;
  letters?: 'lower' | 'upper' | undefined;
}

/** Longest value in characters; a loop that doubles a string ends here and not with the worker's memory. */
const LONGEST_VALUE = 16 * 1024 * 1024;
const MOST_ELEMENTS = 1_000_000;

/** Elements of an array in the order of their indices. */
export function elements(variable: Variable): [string, string][] {
  if (variable.map) return [...variable.map];
  if (variable.list) return [...variable.list].sort((a, b) => a[0] - b[0]).map(([key, value]) => [String(key), value]);
  return variable.value === undefined ? [] : [['0', variable.value]];
}

/** What `$name` gives: the value, or element 0 of an array. */
export function scalar(variable: Variable | undefined): string | undefined {
  if (!variable) return undefined;
  if (variable.list) return variable.list.get(0);
  if (variable.map) return variable.map.get('0');
  return variable.value;
}

function copyOf(variable: Variable): Variable {
  return {
    ...variable,
    list: variable.list && new Map(variable.list),
    map: variable.map && new Map(variable.map),
  };
}

/** The variables of a shell process, with the dynamic scopes of its functions. */
export class Variables {
  #all = new Map<string, Variable>();
  /** For each function call: what its locals hide. */
  #frames: Map<string, Variable | undefined>[] = [];
  /** Evaluates the text given to a variable with the integer attribute. */
  evaluate: (text: string) => string = (text) => text;

  fork(): Variables {
    const copy = new Variables();
    for (const [name, variable] of this.#all) copy.#all.set(name, copyOf(variable));
    copy.#frames = this.#frames.map((frame) => new Map(frame));
    return copy;
  }

  /** Follows name references. */
  resolve(name: string): string {
    for (let hops = 0; hops < 10; hops++) {
      const variable = this.#all.get(name);
      if (!variable?.reference || !variable.value) return name;
      name = variable.value;
    }
    throw new ShellError(`${name}: circular name reference`);
  }

  get(name: string): Variable | undefined {
    return this.#all.get(this.resolve(name));
  }
  /** Without following a name reference. */
  own(name: string): Variable | undefined {
    return this.#all.get(name);
  }
  value(name: string): string | undefined {
    return scalar(this.get(name));
  }
  names(): string[] {
    return [...this.#all.keys()].sort();
  }

  /** The variable, made when it is missing. Throws when it is readonly and to be changed. */
  declare(name: string, change = true): Variable {
    const target = this.resolve(name);
    let variable = this.#all.get(target);
    if (!variable) {
      variable = {};
      this.#all.set(target, variable);
    }
    if (change && variable.readonly) throw new ShellError(`${name}: readonly variable`, { fatal: true });
    return variable;
  }

  set(name: string, value: string, append = false): void {
    const variable = this.declare(name);
    const next = this.#shaped(variable, append ? this.#sum(variable, scalar(variable), value) : value);
    if (variable.list) variable.list.set(0, next);
    else if (variable.map) variable.map.set('0', next);
    else variable.value = next;
  }

  setElement(name: string, key: string | number, value: string, append = false): void {
    const variable = this.declare(name);
    if (variable.map) {
      const next = append ? this.#sum(variable, variable.map.get(String(key)), value) : value;
      variable.map.set(String(key), this.#shaped(variable, next));
      return;
    }
    const list = this.#asList(variable);
    let index = Number(key);
    if (index < 0) index += list.size === 0 ? 0 : Math.max(...list.keys()) + 1;
    if (index < 0) throw new ShellError(`${name}[${key}]: bad array subscript`);
    if (list.size >= MOST_ELEMENTS)
      throw new ShellError(`${name}: more than ${MOST_ELEMENTS} elements`, { fatal: true });
    const next = append ? this.#sum(variable, list.get(index), value) : value;
    list.set(index, this.#shaped(variable, next));
  }

  /** Replaces the whole indexed array. */
  setList(name: string, values: string[]): void {
    const variable = this.declare(name);
    variable.list = new Map(values.map((value, index) => [index, value]));
    variable.value = undefined;
    variable.map = undefined;
  }

  #asList(variable: Variable): Map<number, string> {
    if (!variable.list) {
      variable.list = new Map(variable.value === undefined ? [] : [[0, variable.value]]);
      variable.value = undefined;
    }
    return variable.list;
  }

  #sum(variable: Variable, old: string | undefined, more: string): string {
    if (variable.integer) return `(${old || '0'})+(${more || '0'})`;
    return (old ?? '') + more;
  }

  #shaped(variable: Variable, value: string): string {
    if (value.length > LONGEST_VALUE) throw new ShellError('a value is longer than 16 MiB', { fatal: true });
    if (variable.integer) return this.evaluate(value);
    if (variable.letters === 'lower') return value.toLowerCase();
    if (variable.letters === 'upper') return value.toUpperCase();
    return value;
  }

  unset(name: string): void {
    const variable = this.#all.get(name);
    if (variable?.readonly) throw new ShellError(`unset: ${name}: cannot unset: readonly variable`);
    this.#all.delete(name);
  }

  /** Sets for the time of a command; the returned function brings the old state back. */
  override(name: string, value: string): () => void {
    const old = this.#all.get(name);
    if (old?.readonly) throw new ShellError(`${name}: readonly variable`);
    this.#all.set(name, { value, exported: true });
    return () => {
      if (old) this.#all.set(name, old);
      else this.#all.delete(name);
    };
  }

  /** Exported variables with a value. */
  exported(): Record<string, string> {
    const env: Record<string, string> = {};
    for (const [name, variable] of this.#all)
      if (variable.exported && variable.value !== undefined) env[name] = variable.value;
    return env;
  }

  get isInFunction(): boolean {
    return this.#frames.length > 0;
  }
  enter(): void {
    this.#frames.push(new Map());
  }
  leave(): void {
    for (const [name, variable] of this.#frames.pop() ?? []) {
      if (variable) this.#all.set(name, variable);
      else this.#all.delete(name);
    }
  }
  /** Makes a name local to the running function. */
  localize(name: string): void {
    const frame = this.#frames.at(-1);
    if (!frame || frame.has(name)) return;
    const old = this.#all.get(name);
    if (old?.readonly) throw new ShellError(`${name}: readonly variable`);
    frame.set(name, old);
    this.#all.set(name, old?.exported ? { exported: true } : {});
  }
}
