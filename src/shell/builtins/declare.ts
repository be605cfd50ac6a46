import { attributeLetters } from '../expand/parameter.ts';
import { ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import { doubleQuote } from '../quote.ts';
import { assign, type Declaration } from '../run/assign.ts';
import { elements, type Variable } from '../variables.ts';
import { functionSource } from './names.ts';

interface Flags {
  on: Set<string>;
  off: Set<string>;
  rest: Declaration[];
}

function parse(name: string, args: Declaration[], known: string): Flags {
  const on = new Set<string>();
  const off = new Set<string>();
  let next = 0;
  for (; next < args.length; next++) {
    const arg = args[next]!;
    if (typeof arg !== 'string' || !/^[-+]./.test(arg)) break;
    if (arg === '--') {
      next++;
      break;
    }
    for (const letter of arg.slice(1)) {
      if (!known.includes(letter)) throw new ShellError(`${name}: -${letter}: invalid option`, { status: 2 });
      (arg[0] === '-' ? on : off).add(letter);
    }
  }
  return { on, off, rest: args.slice(next) };
}

const NAME = /^[A-Za-z_]\w*$/;

/** One name of a declaration: attributes first, then the value, then `readonly`. */
async function declareOne(
  sh: ShellProcess,
  builtin: string,
  declaration: Declaration,
  flags: Flags,
  isLocal: boolean,
): Promise<number> {
  const full = typeof declaration === 'string' ? declaration : declaration.name;
  const name = full.replace(/\[.*/s, '');
  if (!NAME.test(name)) {
    await sh.complain(`${builtin}: \`${full}': not a valid identifier`);
    return 1;
  }
  if (isLocal) sh.variables.localize(name);
  if (flags.on.has('n')) {
    const reference: Variable = sh.variables.own(name) ?? sh.variables.declare(name);
    reference.reference = true;
    if (typeof declaration !== 'string') {
      reference.reference = false;
      await assign(sh, declaration);
      reference.reference = true;
    }
    return 0;
  }
  const hasChange = typeof declaration !== 'string' || flags.on.size > 0 || flags.off.size > 0 || isLocal;
  if (!hasChange && sh.variables.own(name)) return 0;
  const variable = sh.variables.declare(name, typeof declaration !== 'string');
  if (flags.on.has('A') && !variable.map) variable.map = new Map();
  if (flags.on.has('a') && !variable.list && !variable.map)
    variable.list = new Map(variable.value === undefined ? [] : [[0, variable.value]]);
  if (variable.list || variable.map) variable.value = undefined;
  if (flags.on.has('i')) variable.integer = true;
  if (flags.off.has('i')) variable.integer = false;
  if (flags.on.has('l')) variable.letters = 'lower';
  if (flags.on.has('u')) variable.letters = 'upper';
  if (flags.on.has('x')) variable.exported = true;
  if (flags.off.has('x')) variable.exported = false;
  if (typeof declaration !== 'string') await assign(sh, declaration);
  if (flags.on.has('r')) variable.readonly = true;
  return 0;
}

export function variableSource(name: string, variable: Variable): string {
  const letters = attributeLetters(variable);
  const head = `declare -${letters || '-'} ${name}`;
  if (variable.list || variable.map) {
    const items = elements(variable).map(
      ([key, value]) => `[${/^[\w@%+=:,./-]+$/.test(key) ? key : doubleQuote(key)}]=${doubleQuote(value)}`,
    );
    return `${head}=(${items.join(' ')}${variable.map && items.length > 0 ? ' ' : ''})\n`;
  }
  return variable.value === undefined ? `${head}\n` : `${head}=${doubleQuote(variable.value)}\n`;
}

async function print(
  sh: ShellProcess,
  builtin: string,
  flags: Flags,
  filter: (variable: Variable) => boolean,
): Promise<number> {
  let status = 0;
  if (flags.on.has('f') || flags.on.has('F')) {
    const names = flags.rest.length > 0 ? flags.rest.map(String) : [...sh.functions.keys()].sort();
    for (const name of names) {
      const known = sh.functions.get(name);
      if (!known) status = 1;
      else if (flags.on.has('F')) await sh.out(flags.rest.length > 0 ? `${name}\n` : `declare -f ${name}\n`);
      else await sh.out(functionSource(name, known));
    }
    return status;
  }
  const names =
    flags.rest.length > 0
      ? flags.rest.map((each) => (typeof each === 'string' ? each : each.name))
      : sh.variables.names();
  for (const name of names) {
    const variable = sh.variables.own(name);
    if (variable && (flags.rest.length > 0 || filter(variable))) await sh.out(variableSource(name, variable));
    else if (flags.rest.length > 0) {
      await sh.complain(`${builtin}: ${name}: not found`);
      status = 1;
    }
  }
  return status;
}

async function each(sh: ShellProcess, builtin: string, flags: Flags, isLocal: boolean): Promise<number> {
  let status = 0;
  for (const declaration of flags.rest) status = (await declareOne(sh, builtin, declaration, flags, isLocal)) || status;
  return status;
}

export async function declareBuiltin(sh: ShellProcess, args: Declaration[]): Promise<number> {
  const flags = parse('declare', args, 'aAfFgilnprtux');
  if (flags.on.has('p') || flags.on.has('f') || flags.on.has('F') || flags.rest.length === 0)
    return print(sh, 'declare', flags, (variable) =>
      [...flags.on].every((letter) => letter === 'p' || attributeLetters(variable).includes(letter)),
    );
  return each(sh, 'declare', flags, sh.variables.isInFunction && !flags.on.has('g'));
}

export async function localBuiltin(sh: ShellProcess, args: Declaration[]): Promise<number> {
  if (!sh.variables.isInFunction) throw new ShellError('local: can only be used in a function');
  return each(sh, 'local', parse('local', args, 'aAilnprux'), true);
}

export async function exportBuiltin(sh: ShellProcess, args: Declaration[]): Promise<number> {
  const flags = parse('export', args, 'fnp');
  if (flags.rest.length === 0) {
    for (const name of sh.variables.names()) {
      const variable = sh.variables.own(name)!;
      if (variable.exported) await sh.out(variableSource(name, variable));
    }
    return 0;
  }
  const attribute = flags.on.has('n')
    ? { on: new Set<string>(), off: new Set('x') }
    : { on: new Set('x'), off: new Set<string>() };
  return each(sh, 'export', { ...attribute, rest: flags.rest }, false);
}

export async function readonlyBuiltin(sh: ShellProcess, args: Declaration[]): Promise<number> {
  const flags = parse('readonly', args, 'aAfp');
  if (flags.rest.length === 0) return print(sh, 'readonly', flags, (variable) => variable.readonly === true);
  flags.on.add('r');
  return each(sh, 'readonly', flags, false);
}
