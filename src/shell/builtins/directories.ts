import { ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import type { Builtin } from './builtins.ts';

/** `~` for the home, as `dirs` and prompts show paths. */
export function shortPath(sh: ShellProcess, path: string): string {
  const home = sh.variables.value('HOME');
  if (!home || home === '/') return path;
  return path === home ? '~' : path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

async function change(sh: ShellProcess, builtin: string, target: string, shown = target): Promise<void> {
  const path = sh.path(target);
  if (!(await sh.fs.exists(path))) throw new ShellError(`${builtin}: ${shown}: No such file or directory`);
  if (!(await sh.fs.stat(path)).isDirectory) throw new ShellError(`${builtin}: ${shown}: Not a directory`);
  sh.variables.set('OLDPWD', sh.cwd);
  sh.cwd = path;
  sh.variables.set('PWD', path);
}

async function showStack(sh: ShellProcess): Promise<number> {
  await sh.out(`${[sh.cwd, ...sh.directories].map((path) => shortPath(sh, path)).join(' ')}\n`);
  return 0;
}

export const directoryBuiltins: Builtin[] = [
  {
    name: 'cd',
    run: async (sh, args) => {
      const physical = args.includes('-P');
      const operands = args.filter((arg, index) => !(/^-[LPe@]+$/.test(arg) || (arg === '--' && index === 0)));
      if (operands.length > 1) throw new ShellError('cd: too many arguments');
      const target = operands[0];
      if (target === undefined) {
        const home = sh.variables.value('HOME');
        if (!home) throw new ShellError('cd: HOME not set');
        await change(sh, 'cd', home);
      } else if (target === '-') {
        const old = sh.variables.value('OLDPWD');
        if (!old) throw new ShellError('cd: OLDPWD not set');
        await change(sh, 'cd', old);
        await sh.out(`${sh.cwd}\n`);
      } else if (target !== '') {
        const roots =
          /^\.{0,2}\//.test(target) || target === '.' || target === '..'
            ? []
            : (sh.variables.value('CDPATH') ?? '').split(':');
        for (const root of roots.filter((each) => each !== '')) {
          const candidate = `${root}/${target}`;
          if (!(await sh.fs.exists(sh.path(candidate)))) continue;
          await change(sh, 'cd', candidate);
          await sh.out(`${sh.cwd}\n`);
          return 0;
        }
        await change(sh, 'cd', target);
      }
      if (physical) {
        sh.cwd = await sh.fs.realpath(sh.cwd);
        sh.variables.set('PWD', sh.cwd);
      }
      return 0;
    },
  },
  {
    name: 'pwd',
    run: async (sh, args) => {
      await sh.out(`${args.includes('-P') ? await sh.fs.realpath(sh.cwd) : sh.cwd}\n`);
      return 0;
    },
  },
  {
    name: 'pushd',
    run: async (sh, [target]) => {
      if (target === undefined) {
        const top = sh.directories.shift();
        if (top === undefined) throw new ShellError('pushd: no other directory');
        const old = sh.cwd;
        await change(sh, 'pushd', top);
        sh.directories.unshift(old);
        return showStack(sh);
      }
      const old = sh.cwd;
      await change(sh, 'pushd', target);
      sh.directories.unshift(old);
      return showStack(sh);
    },
  },
  {
    name: 'popd',
    run: async (sh) => {
      const top = sh.directories.shift();
      if (top === undefined) throw new ShellError('popd: directory stack empty');
      await change(sh, 'popd', top);
      return showStack(sh);
    },
  },
  {
    name: 'dirs',
    run: (sh, [flag]) => {
      if (flag === '-c') sh.directories = [];
      return flag === '-c' ? 0 : showStack(sh);
    },
  },
];
