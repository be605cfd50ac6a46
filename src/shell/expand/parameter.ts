import { Exit, ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import { quote } from '../quote.ts';
import type { Arithmetic, ParameterOperation, Part } from '../syntax/tree.ts';
import { elements, scalar, type Variable } from '../variables.ts';
import { decodeEscapes } from './escapes.ts';
import { matchesPattern, patternSource } from './pattern.ts';
import { arithmeticText, expandPattern, expandReplacement, expandText, expandToString } from './word.ts';

/** What a parameter is: one text or many (`$@`, `${a[*]}`), with the name that an assignment would go to. */
export interface ParameterValue {
  values: string[];
  isSet: boolean;
  /** `@` keeps words apart inside double quotes, `*` joins them. */
  list: '@' | '*' | undefined;
  variable: Variable | undefined;
}

const NAME = /^([A-Za-z_]\w*)(?:\[([\s\S]*)\])?$/;
const one = (value: string | undefined, variable?: Variable): ParameterValue => ({
  values: value === undefined ? [] : [value],
  isSet: value !== undefined,
  list: undefined,
  variable,
});
const many = (values: string[], list: '@' | '*', variable?: Variable): ParameterValue => ({
  values,
  isSet: values.length > 0,
  list,
  variable,
});

export async function parameterValue(sh: ShellProcess, parameter: string): Promise<ParameterValue> {
  if (parameter === '@' || parameter === '*') return many(sh.positional, parameter);
  if (/^[1-9]\d*$/.test(parameter)) return one(sh.positional[Number(parameter) - 1]);
  const special = sh.special(parameter);
  if (special !== undefined) return one(special);
  const match = NAME.exec(parameter);
  if (!match) throw new ShellError(`\${${parameter}}: bad substitution`, { fatal: true });
  const [, name, subscript] = match as unknown as [string, string, string | undefined];
  if (name === 'FUNCNAME' && subscript) {
    if (subscript === '@' || subscript === '*') return many(sh.calls, subscript);
    return one(sh.calls[Number(sh.arithmetic(subscript))]);
  }
  const variable = sh.variables.get(name);
  if (subscript === undefined) return one(scalar(variable), variable);
  if (subscript === '@' || subscript === '*')
    return many(variable ? elements(variable).map(([, value]) => value) : [], subscript, variable);
  if (variable?.map) return one(variable.map.get(await expandText(sh, subscript)), variable);
  const index = Number(sh.arithmetic(await expandText(sh, subscript)));
  if (index < 0) {
    const last = variable?.list ? Math.max(...variable.list.keys()) + 1 : 1;
    if (last + index < 0) throw new ShellError(`${name}: bad array subscript`);
    return one(variable?.list?.get(last + index) ?? (last + index === 0 ? scalar(variable) : undefined), variable);
  }
  return one(variable?.list ? variable.list.get(index) : index === 0 ? scalar(variable) : undefined, variable);
}

/** Assigns to `name` or `name[subscript]`. */
export async function assignTo(sh: ShellProcess, target: string, value: string, append = false): Promise<void> {
  const match = NAME.exec(target);
  if (!match) throw new ShellError(`\`${target}': not a valid identifier`);
  const [, name, subscript] = match as unknown as [string, string, string | undefined];
  if (subscript === undefined) return sh.variables.set(name, value, append);
  const key = await expandText(sh, subscript);
  if (sh.variables.get(name)?.map) sh.variables.setElement(name, key, value, append);
  else sh.variables.setElement(name, Number(sh.arithmetic(key)), value, append);
}

/** The values of an expansion with its operation. */
export async function expandParameter(
  sh: ShellProcess,
  part: Part<'ParameterExpansion'>,
  quoted: boolean,
): Promise<ParameterValue> {
  const { parameter, operation } = part;
  if (!operation) return demand(sh, parameter, await parameterValue(sh, parameter));
  switch (operation.type) {
    case 'ArrayKeys': {
      const variable = sh.variables.get(operation.array);
      return many(variable ? elements(variable).map(([key]) => key) : [], operation.star ? '*' : '@');
    }
    case 'VarNamePrefix': {
      const names = sh.variables.names().filter((name) => name.startsWith(operation.prefix));
      return many(names, operation.star ? '*' : '@');
    }
    case 'Indirection': {
      const own = sh.variables.own(parameter);
      if (own?.reference) return one(own.value);
      const target = (await parameterValue(sh, parameter)).values[0];
      if (!target) throw new ShellError(`${parameter}: invalid indirect expansion`, { fatal: true });
      const inner = operation.innerOp ?? null;
      return expandParameter(sh, { type: 'ParameterExpansion', parameter: target, operation: inner }, quoted);
    }
    case 'BadSubstitution':
      throw new ShellError(`${operation.text}: bad substitution`, { fatal: true });
    case 'LengthSliceError':
      throw new ShellError(`\${#${parameter}}: bad substitution`, { fatal: true });
    default:
      return apply(sh, parameter, operation, await parameterValue(sh, parameter), quoted);
  }
}

/** Throws under `set -u` when nothing is there. */
function demand(sh: ShellProcess, parameter: string, found: ParameterValue): ParameterValue {
  if (!found.isSet && !found.list && sh.options.has('nounset'))
    throw new ShellError(`${/^\d+$/.test(parameter) ? `$${parameter}` : parameter}: unbound variable`, { fatal: true });
  return found;
}

async function apply(
  sh: ShellProcess,
  parameter: string,
  operation: ParameterOperation,
  found: ParameterValue,
  quoted: boolean,
): Promise<ParameterValue> {
  const isEmpty = !found.isSet || (found.values.length === 1 && found.values[0] === '');
  const mapped = async (change: (value: string) => string | Promise<string>): Promise<ParameterValue> => {
    demand(sh, parameter, found);
    const values: string[] = [];
    for (const value of found.values) values.push(await change(value));
    return { ...found, values };
  };
  switch (operation.type) {
    case 'DefaultValue':
      return (operation.checkEmpty ? isEmpty : !found.isSet)
        ? one(await expandToString(sh, operation.word, quoted))
        : found;
    case 'UseAlternative':
      return (operation.checkEmpty ? isEmpty : !found.isSet)
        ? one('')
        : one(await expandToString(sh, operation.word, quoted));
    case 'AssignDefault': {
      if (!(operation.checkEmpty ? isEmpty : !found.isSet)) return found;
      const value = await expandToString(sh, operation.word, quoted);
      await assignTo(sh, parameter, value);
      return one(value);
    }
    case 'ErrorIfUnset': {
      if (!(operation.checkEmpty ? isEmpty : !found.isSet)) return found;
      const message = operation.word ? await expandToString(sh, operation.word, quoted) : '';
      const standard = operation.checkEmpty ? 'parameter null or not set' : 'parameter not set';
      await sh.complain(`${parameter}: ${message || standard}`);
      throw new Exit(sh.world.interactive ? 1 : 127, true);
    }
    case 'Length':
      if (found.list) return one(String(found.values.length));
      demand(sh, parameter, found);
      return one(String([...(found.values[0] ?? '')].length));
    case 'Substring':
      return slice(sh, parameter, operation, demand(sh, parameter, found));
    case 'PatternRemoval': {
      const pattern = await expandPattern(sh, operation.pattern);
      return mapped((value) => removePattern(value, pattern, operation.side, operation.greedy));
    }
    case 'PatternReplacement': {
      const pattern = await expandPattern(sh, operation.pattern);
      const replacement = operation.replacement ? await expandReplacement(sh, operation.replacement) : () => '';
      return mapped((value) => replacePattern(value, pattern, replacement, operation.all, operation.anchor));
    }
    case 'CaseModification': {
      const pattern = operation.pattern ? await expandPattern(sh, operation.pattern) : '?';
      const change = (char: string) => (operation.direction === 'upper' ? char.toUpperCase() : char.toLowerCase());
      return mapped((value) =>
        [...value]
          .map((char, at) => ((at === 0 || operation.all) && matchesPattern(char, pattern) ? change(char) : char))
          .join(''),
      );
    }
    case 'Transform':
      return mapped((value) => transform(sh, parameter, operation.operator, value, found.variable));
    default:
      throw new ShellError(`\${${parameter}}: bad substitution`, { fatal: true });
  }
}

async function slice(
  sh: ShellProcess,
  parameter: string,
  operation: Extract<ParameterOperation, { type: 'Substring' }>,
  found: ParameterValue,
): Promise<ParameterValue> {
  const numberOf = async (expression: Arithmetic) => Number(sh.arithmetic(await arithmeticText(sh, expression)));
  const offset = await numberOf(operation.offset);
  const length = operation.length ? await numberOf(operation.length) : undefined;
  if (found.list) {
    // The positional parameters count from 1; $0 stands before them.
    const all = parameter === '@' || parameter === '*' ? [sh.name, ...found.values] : found.values;
    const start = offset < 0 ? all.length + offset : offset;
    if (length !== undefined && length < 0) throw new ShellError(`${length}: substring expression < 0`);
    if (start < 0) return { ...found, values: [] };
    const from = parameter === '@' || parameter === '*' ? start : start;
    return { ...found, values: all.slice(from, length === undefined ? undefined : from + length) };
  }
  const value = [...(found.values[0] ?? '')];
  const start = offset < 0 ? value.length + offset : offset;
  if (start < 0 || start > value.length) return one('');
  const end = length === undefined ? value.length : length < 0 ? value.length + length : start + length;
  if (end < start) throw new ShellError(`${length}: substring expression < 0`, { fatal: true });
  return one(value.slice(start, end).join(''));
}

function removePattern(value: string, pattern: string, side: 'prefix' | 'suffix', greedy: boolean): string {
  const order = Array.from({ length: value.length + 1 }, (_, at) => at);
  const longestFirst = side === 'prefix' ? greedy : !greedy;
  for (const at of longestFirst ? order.reverse() : order) {
    const piece = side === 'prefix' ? value.slice(0, at) : value.slice(at);
    if (matchesPattern(piece, pattern)) return side === 'prefix' ? value.slice(at) : value.slice(0, at);
  }
  return value;
}

function replacePattern(
  value: string,
  pattern: string,
  replacement: (match: string) => string,
  all: boolean,
  anchor: 'start' | 'end' | null,
): string {
  if (pattern === '' && !anchor) return value;
  const source = patternSource(pattern);
  if (anchor === 'start') return value.replace(new RegExp(`^(?:${source})`, 'u'), replacement);
  if (anchor === 'end') return value.replace(new RegExp(`(?:${source})$`, 'u'), replacement);
  return value.replace(new RegExp(source, all ? 'gu' : 'u'), (match) => (match === '' ? '' : replacement(match)));
}

function transform(
  sh: ShellProcess,
  parameter: string,
  operator: string,
  value: string,
  variable: Variable | undefined,
): string {
  switch (operator) {
    case 'Q':
      return /^[\w@%+=:,./-]+$/.test(value) ? `'${value}'` : quote(value);
    case 'E':
      return decodeEscapes(value);
    case 'U':
      return value.toUpperCase();
    case 'L':
      return value.toLowerCase();
    case 'u':
      return value.charAt(0).toUpperCase() + value.slice(1);
    case 'A':
      return `${parameter}=${quote(value)}`;
    case 'a':
      return attributeLetters(variable);
    case 'P':
      return value.replaceAll('\\w', sh.cwd).replaceAll('\\$', '$');
    default:
      return quote(value);
  }
}

export function attributeLetters(variable: Variable | undefined): string {
  if (!variable) return '';
  return [
    variable.list && 'a',
    variable.map && 'A',
    variable.integer && 'i',
    variable.reference && 'n',
    variable.readonly && 'r',
    variable.exported && 'x',
    variable.letters === 'lower' && 'l',
    variable.letters === 'upper' && 'u',
  ]
    .filter(Boolean)
    .join('');
}
