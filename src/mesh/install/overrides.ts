type Tree = { [key: string]: unknown };

/** Lays `over` on `base`, maps key by key, anything else as a whole; `null` in `over` stays null. New trees only. */
export const merged = <T extends object>(base: T, over: object): T => laid(base, over) as T;

function laid(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return structuredClone(over);
  const out = { ...base };
  for (const [key, value] of Object.entries(over)) {
    out[key] = key in base ? laid(base[key], value) : structuredClone(value);
  }
  return out;
}

/**
 * What must be laid on `base` to get `values`: the least tree; undefined when they are equal. Lists count as equal, as they
 * do for the CLI (pkg/tree): what was chosen as a list is not kept for an upgrade.
 */
export const difference = (base: object, values: object): Tree | undefined => changed(base, values) as Tree | undefined;

function changed(base: unknown, values: unknown): unknown {
  if (Array.isArray(values)) return undefined;
  if (!isMap(base) || !isMap(values)) return JSON.stringify(base) === JSON.stringify(values) ? undefined : values;
  const out: Tree = {};
  for (const [key, value] of Object.entries(values)) {
    const part = key in base ? changed(base[key], value) : value;
    if (part !== undefined) out[key] = part;
  }
  return Object.keys(out).length > 0 ? out : undefined;
}

const isMap = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A `--set` argument in Helm's grammar: `a.b=1,c[0]=x,d={x,y}`; `\,` and `\.` are literal. Throws on what it can't read. */
export function setPaths(values: object, argument: string, form: 'typed' | 'string' = 'typed'): void {
  for (const part of splitUnescaped(argument, ',')) {
    const equals = part.indexOf('=');
    if (equals <= 0) throw new Error(`failed parsing --set data: key ${JSON.stringify(part)} has no value`);
    const path = splitUnescaped(part.slice(0, equals), '.').flatMap((key): (string | number)[] => {
      const indexed = /^([^[]*)((?:\[\d+\])+)$/.exec(key);
      if (!indexed) return [unescaped(key)];
      const indexes = [...indexed[2]!.matchAll(/\[(\d+)\]/g)].map((match) => Number(match[1]));
      return [unescaped(indexed[1]!), ...indexes];
    });
    setPath(values, path, parsed(part.slice(equals + 1), form));
  }
}

export function setPath(values: object, path: (string | number)[], value: unknown): void {
  let at = values as Tree;
  for (const [i, key] of path.entries()) {
    if (i === path.length - 1) at[key] = value;
    else {
      if (typeof at[key] !== 'object' || at[key] === null) at[key] = typeof path[i + 1] === 'number' ? [] : {};
      at = at[key] as Tree;
    }
  }
}

function parsed(text: string, form: 'typed' | 'string'): unknown {
  if (text.startsWith('{') && text.endsWith('}')) {
    const inner = text.slice(1, -1);
    return inner === '' ? [] : splitUnescaped(inner, ',').map((each) => parsed(each, form));
  }
  const plain = unescaped(text);
  if (form === 'string') return plain;
  if (plain === 'true') return true;
  if (plain === 'false') return false;
  if (plain === 'null') return null;
  return /^(0|-?[1-9]\d*)$/.test(plain) ? Number(plain) : plain;
}

/** Splits outside of braces, at separators that no backslash precedes. */
function splitUnescaped(text: string, separator: string): string[] {
  const parts = [''];
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\\' && i + 1 < text.length) parts[parts.length - 1] += c + text[++i];
    else if (c === separator && depth === 0) parts.push('');
    else {
      if (c === '{') depth++;
      if (c === '}') depth--;
      parts[parts.length - 1] += c;
    }
  }
  return parts;
}
const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');
