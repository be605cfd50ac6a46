import { assignTo } from '../expand/parameter.ts';
import { expandText } from '../expand/word.ts';
import { ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import type { Builtin } from './builtins.ts';

async function unset(sh: ShellProcess, args: string[]): Promise<number> {
  const flags = args.filter((arg) => /^-[fvn]+$/.test(arg)).join('');
  let status = 0;
  for (const name of args.filter((arg) => !/^-[fvn]+$/.test(arg))) {
    const element = /^(\w+)\[([\s\S]*)\]$/.exec(name);
    try {
      if (element) {
        const variable = sh.variables.get(element[1]!);
        const key = await expandText(sh, element[2]!);
        if (variable?.map) variable.map.delete(key);
        else if (variable?.list) {
          const index = Number(sh.arithmetic(key));
          variable.list.delete(index < 0 ? Math.max(...variable.list.keys()) + 1 + index : index);
        }
      } else if (flags.includes('f')) sh.functions.delete(name);
      else if (flags.includes('n')) sh.variables.unset(name);
      else if (sh.variables.own(name)) sh.variables.unset(sh.variables.resolve(name));
      else if (!flags.includes('v')) sh.functions.delete(name);
    } catch (error) {
      if (!(error instanceof ShellError)) throw error;
      await sh.complain(error.message);
      status = 1;
    }
  }
  return status;
}

/** Place inside a cluster of short options, between two calls; kept with the process as bash keeps it inside. */
const inside = new WeakMap<ShellProcess, { argument: number; letter: number }>();

async function getopts(sh: ShellProcess, args: string[]): Promise<number> {
  const [specification, name, ...given] = args;
  if (specification === undefined || name === undefined)
    throw new ShellError('getopts: usage: getopts optstring name [arg ...]', { status: 2 });
  const words = given.length > 0 ? given : sh.positional;
  let index = Number(sh.variables.value('OPTIND') ?? '1') || 1;
  const place = inside.get(sh);
  let letterAt = place && place.argument === index ? place.letter : 1;
  const silent = specification.startsWith(':');
  const finish = async (): Promise<number> => {
    await assignTo(sh, 'OPTIND', String(index));
    await assignTo(sh, name, '?');
    inside.delete(sh);
    return 1;
  };
  const word = words[index - 1];
  if (word === undefined || !/^-./.test(word)) return finish();
  if (word === '--') {
    index++;
    return finish();
  }
  const letter = word[letterAt]!;
  const at = letter === ':' ? -1 : specification.indexOf(letter, silent ? 1 : 0);
  const rest = word.slice(letterAt + 1);
  sh.variables.unset('OPTARG');
  const next = () => {
    if (rest === '') {
      index++;
      letterAt = 1;
    } else letterAt++;
  };
  let result = letter;
  if (at < 0) {
    next();
    result = '?';
    if (silent) await assignTo(sh, 'OPTARG', letter);
    else await sh.err(`${sh.name}: illegal option -- ${letter}\n`);
  } else if (specification[at + 1] === ':') {
    if (rest !== '') {
      await assignTo(sh, 'OPTARG', rest);
      index++;
    } else if (words[index] !== undefined) {
      await assignTo(sh, 'OPTARG', words[index]!);
      index += 2;
    } else {
      index++;
      result = silent ? ':' : '?';
      if (silent) await assignTo(sh, 'OPTARG', letter);
      else await sh.err(`${sh.name}: option requires an argument -- ${letter}\n`);
    }
    letterAt = 1;
  } else next();
  await assignTo(sh, 'OPTIND', String(index));
  await assignTo(sh, name, result);
  inside.set(sh, { argument: index, letter: letterAt });
  return 0;
}

export const variableBuiltins: Builtin[] = [
  { name: 'unset', run: unset },
  { name: 'getopts', run: getopts },
  {
    name: 'shift',
    run: (sh, [text]) => {
      if (text !== undefined && !/^\d+$/.test(text)) throw new ShellError(`shift: ${text}: numeric argument required`);
      const count = Number(text ?? 1);
      if (count > sh.positional.length) return 1;
      sh.positional = sh.positional.slice(count);
      return 0;
    },
  },
];
