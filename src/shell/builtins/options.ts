import { ShellError } from '../flow.ts';
import { OPTIONS, type OptionName, SHOPT_NAMES, type ShellProcess, type ShoptName } from '../process.ts';
import { quote } from '../quote.ts';
import { elements, scalar } from '../variables.ts';
import type { Builtin } from './builtins.ts';

const LONG: readonly string[] = [...Object.values(OPTIONS), 'pipefail', 'posix', 'emacs', 'vi'];

function setOption(sh: ShellProcess, name: OptionName, on: boolean): void {
  if (on) sh.options.add(name);
  else sh.options.delete(name);
}

/** The options at the front of `set`, `bash` and shebang lines; gives what is left. */
export function applyOptions(
  sh: ShellProcess,
  builtin: string,
  args: string[],
): { rest: string[]; hasOperands: boolean } {
  const rest = args.slice();
  while (rest.length > 0) {
    const arg = rest[0]!;
    if (arg === '--') return { rest: rest.slice(1), hasOperands: true };
    if (arg === '-') return { rest: rest.slice(1), hasOperands: rest.length > 1 };
    if (!/^[-+]./.test(arg)) break;
    rest.shift();
    const on = arg[0] === '-';
    for (const letter of arg.slice(1)) {
      if (letter === 'o') {
        const name = rest.shift();
        if (name === undefined) throw new ShellError(`${builtin}: -o: option requires an argument`, { status: 2 });
        if (!LONG.includes(name)) throw new ShellError(`${builtin}: ${name}: invalid option name`, { status: 2 });
        setOption(sh, name as OptionName, on);
      } else {
        const name = (OPTIONS as Record<string, OptionName>)[letter];
        if (!name) throw new ShellError(`${builtin}: ${arg[0]}${letter}: invalid option`, { status: 2 });
        setOption(sh, name, on);
      }
    }
  }
  return { rest, hasOperands: rest.length > 0 };
}

async function set(sh: ShellProcess, args: string[]): Promise<number> {
  if (args.length === 0) {
    for (const name of sh.variables.names()) {
      const variable = sh.variables.own(name)!;
      if (variable.list || variable.map)
        await sh.out(
          `${name}=(${elements(variable)
            .map(([key, value]) => `[${key}]="${value}"`)
            .join(' ')})\n`,
        );
      else if (variable.value !== undefined) await sh.out(`${name}=${quote(scalar(variable)!)}\n`);
    }
    return 0;
  }
  if (args.length === 1 && (args[0] === '-o' || args[0] === '+o')) {
    for (const name of LONG.toSorted()) {
      const on = sh.options.has(name as OptionName);
      await sh.out(
        args[0] === '-o' ? `${name.padEnd(15)}\t${on ? 'on' : 'off'}\n` : `set ${on ? '-' : '+'}o ${name}\n`,
      );
    }
    return 0;
  }
  const { rest, hasOperands } = applyOptions(sh, 'set', args);
  if (hasOperands) sh.positional = rest;
  return 0;
}

async function shopt(sh: ShellProcess, args: string[]): Promise<number> {
  const flags = args.filter((arg) => /^-[supqo]+$/.test(arg)).join('');
  const names = args.filter((arg) => !/^-[supqo]+$/.test(arg));
  let status = 0;
  const isLong = flags.includes('o');
  for (const name of names.length > 0
    ? names
    : flags.includes('s') || flags.includes('u')
      ? []
      : SHOPT_NAMES.toSorted()) {
    if (!(isLong ? LONG : SHOPT_NAMES).includes(name)) {
      await sh.complain(`shopt: ${name}: invalid shell option name`);
      status = 1;
      continue;
    }
    if (flags.includes('s') || flags.includes('u')) {
      const on = flags.includes('s');
      if (isLong) setOption(sh, name as OptionName, on);
      else if (on) sh.shopts.add(name as ShoptName);
      else sh.shopts.delete(name as ShoptName);
      continue;
    }
    const on = isLong ? sh.options.has(name as OptionName) : sh.shopts.has(name as ShoptName);
    if (!on && names.length > 0) status = 1;
    if (!flags.includes('q'))
      await sh.out(
        flags.includes('p') ? `shopt -${on ? 's' : 'u'} ${name}\n` : `${name.padEnd(15)}\t${on ? 'on' : 'off'}\n`,
      );
  }
  return status;
}

export const optionBuiltins: Builtin[] = [
  { name: 'set', run: set },
  { name: 'shopt', run: shopt },
  {
    name: 'umask',
    run: async (sh, args) => {
      if (args.length === 0) await sh.out('0022\n');
      return 0;
    },
  },
  {
    name: 'ulimit',
    run: async (sh) => {
      await sh.out('unlimited\n');
      return 0;
    },
  },
];
