import { extendedSource, matchesPattern } from './expand/pattern.ts';
import { expandPattern, expandRegExp, expandText, expandToString } from './expand/word.ts';
import { ShellError } from './flow.ts';
import type { OPTIONS, ShellProcess } from './process.ts';
import type { Conditional } from './syntax/tree.ts';

/** `[[ … ]]` */
export async function evaluateConditional(sh: ShellProcess, node: Conditional): Promise<boolean> {
  switch (node.type) {
    case 'CondNot':
      return !(await evaluateConditional(sh, node.operand));
    case 'CondAnd':
      return (await evaluateConditional(sh, node.left)) && (await evaluateConditional(sh, node.right));
    case 'CondOr':
      return (await evaluateConditional(sh, node.left)) || (await evaluateConditional(sh, node.right));
    case 'CondGroup':
      return evaluateConditional(sh, node.expression);
    case 'CondWord':
      return (await expandToString(sh, node.word)) !== '';
    case 'CondUnary':
      return testUnary(sh, node.operator, await expandToString(sh, node.operand));
    case 'CondBinary': {
      const left = await expandToString(sh, node.left);
      const ignoreCase = sh.shopts.has('nocasematch');
      switch (node.operator) {
        case '=':
        case '==':
          return matchesPattern(left, await expandPattern(sh, node.right), ignoreCase);
        case '!=':
          return !matchesPattern(left, await expandPattern(sh, node.right), ignoreCase);
        case '=~':
          return matchRegExp(sh, left, await expandRegExp(sh, node.right), ignoreCase);
        case '<':
          return left < (await expandToString(sh, node.right));
        case '>':
          return left > (await expandToString(sh, node.right));
        default: {
          const right = await expandToString(sh, node.right);
          if (!/^-(eq|ne|lt|le|gt|ge)$/.test(node.operator)) return testFiles(sh, left, node.operator, right);
          return compare(
            node.operator,
            sh.arithmetic(await expandText(sh, left)),
            sh.arithmetic(await expandText(sh, right)),
          );
        }
      }
    }
  }
}

function matchRegExp(sh: ShellProcess, text: string, source: string, ignoreCase: boolean): boolean {
  let expression: RegExp;
  try {
    expression = new RegExp(extendedSource(source), ignoreCase ? 'iu' : 'u');
  } catch {
    throw new ShellError(`[[: invalid regular expression \`${source}'`, { status: 2 });
  }
  const match = expression.exec(text);
  sh.variables.setList('BASH_REMATCH', match ? [...match].map((group) => group ?? '') : []);
  return match !== null;
}

function compare(operator: string, left: bigint, right: bigint): boolean {
  switch (operator) {
    case '-eq':
      return left === right;
    case '-ne':
      return left !== right;
    case '-lt':
      return left < right;
    case '-le':
      return left <= right;
    case '-gt':
      return left > right;
    default:
      return left >= right;
  }
}

async function testUnary(sh: ShellProcess, operator: string, operand: string): Promise<boolean> {
  switch (operator) {
    case '-z':
      return operand === '';
    case '-n':
      return operand !== '';
    case '-v': {
      const match = /^(\w+)(?:\[(.*)\])?$/.exec(operand);
      const variable = match ? sh.variables.get(match[1]!) : undefined;
      if (/^\d+$/.test(operand)) return sh.positional.length >= Number(operand);
      if (match?.[2] !== undefined)
        return variable?.map?.has(match[2]) ?? variable?.list?.has(Number(match[2])) ?? false;
      return variable !== undefined && (variable.value !== undefined || variable.list?.get(0) !== undefined);
    }
    case '-o':
      return sh.options.has(operand as (typeof OPTIONS)[keyof typeof OPTIONS]);
    case '-R':
      return sh.variables.own(operand)?.reference ?? false;
    case '-t':
      return sh.fds.get(Number(operand))?.tty !== undefined;
    default:
      return testFile(sh, operator, operand);
  }
}

async function testFile(sh: ShellProcess, operator: string, operand: string): Promise<boolean> {
  if (operand === '') return false;
  const path = sh.path(operand);
  try {
    if (operator === '-L' || operator === '-h') return (await sh.fs.lstat(path)).isSymbolicLink;
    if (!(await sh.fs.exists(path))) return false;
    const stat = await sh.fs.stat(path);
    switch (operator) {
      case '-a':
      case '-e':
        return true;
      case '-f':
        return stat.isFile && !sh.fs.isDevice(path);
      case '-d':
        return stat.isDirectory;
      case '-s':
        return stat.size > 0 || stat.isDirectory;
      case '-c':
        return sh.fs.isDevice(path);
      case '-p':
        return path.startsWith('/dev/fd/');
      case '-x':
        return stat.isDirectory || (stat.mode & 0o111) !== 0;
      case '-r':
      case '-w':
      case '-O':
      case '-G':
      case '-N':
        return true;
      default:
        return false;
    }
  } catch {
    return false;
  }
}

async function testFiles(sh: ShellProcess, left: string, operator: string, right: string): Promise<boolean> {
  const timeOf = async (name: string) => {
    try {
      return (await sh.fs.stat(sh.path(name))).mtime.getTime();
    } catch {
      return undefined;
    }
  };
  const [a, b] = [await timeOf(left), await timeOf(right)];
  if (operator === '-ef') return a !== undefined && b !== undefined && (await same(sh, left, right));
  if (operator === '-nt') return a !== undefined && (b === undefined || a > b);
  return b !== undefined && (a === undefined || a < b);
}

async function same(sh: ShellProcess, left: string, right: string): Promise<boolean> {
  return (await sh.fs.realpath(sh.path(left))) === (await sh.fs.realpath(sh.path(right)));
}

const BINARY = ['=', '==', '!=', '<', '>', '-eq', '-ne', '-lt', '-le', '-gt', '-ge', '-nt', '-ot', '-ef'];

/** `test` and `[`. Throws with status 2 where an expression cannot be read. */
export async function testCommand(sh: ShellProcess, name: string, args: string[]): Promise<boolean> {
  let next = 0;
  const fail = (message: string): never => {
    throw new ShellError(`${name}: ${message}`, { status: 2 });
  };
  const integer = (text: string): bigint =>
    /^\s*[-+]?\d+\s*$/.test(text) ? BigInt(text.trim().replace('+', '')) : fail(`${text}: integer expression expected`);
  const or = async (): Promise<boolean> => {
    let value = await and();
    while (args[next] === '-o') {
      next++;
      const right = await and();
      value = value || right;
    }
    return value;
  };
  const and = async (): Promise<boolean> => {
    let value = await primary();
    while (args[next] === '-a') {
      next++;
      const right = await primary();
      value = value && right;
    }
    return value;
  };
  const primary = async (): Promise<boolean> => {
    const [first, second, third] = [args[next], args[next + 1], args[next + 2]];
    if (first === undefined) return fail('argument expected');
    if (second !== undefined && third !== undefined && BINARY.includes(second)) {
      next += 3;
      if (second === '=' || second === '==') return first === third;
      if (second === '!=') return first !== third;
      if (second === '<') return first < third;
      if (second === '>') return first > third;
      if (/^-(nt|ot|ef)$/.test(second)) return testFiles(sh, first, second, third);
      return compare(second, integer(first), integer(third));
    }
    if (first === '!' && second !== undefined) {
      next++;
      return !(await primary());
    }
    if (first === '(' && second !== undefined) {
      next++;
      const value = await or();
      if (args[next++] !== ')') fail("`)' expected");
      return value;
    }
    if (/^-[a-zA-Z]$/.test(first) && second !== undefined && second !== '-a' && second !== '-o') {
      next += 2;
      if (!/^-[abcdefghknoprstuvwxzGLNORS]$/.test(first)) fail(`${first}: unary operator expected`);
      return testUnary(sh, first, second);
    }
    next++;
    return first !== '';
  };
  if (args.length === 0) return false;
  const value = await or();
  if (next < args.length) {
    if (args.length === 3) fail(`${args[1]}: binary operator expected`);
    fail(args.length === 2 ? `${args[0]}: unary operator expected` : 'too many arguments');
  }
  return value;
}
