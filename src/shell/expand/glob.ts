import { ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import { hasPattern, patternSource } from './pattern.ts';

const MOST_VISITED = 50_000;

/** File names that match a pattern, sorted; the text itself when there are none. */
export async function glob(sh: ShellProcess, pattern: string, text: string): Promise<string[]> {
  const found = await findPaths(sh, pattern);
  if (found.length > 0) return found;
  if (sh.shopts.has('failglob')) throw new ShellError(`no match: ${text}`, { fatal: true });
  return sh.shopts.has('nullglob') ? [] : [text];
}

/** Paths that match, without the fall-backs of an empty result. */
export async function findPaths(sh: ShellProcess, pattern: string): Promise<string[]> {
  let visited = 0;
  const count = () => {
    if (++visited > MOST_VISITED) throw new ShellError(`${pattern}: too many files to look at`, { fatal: true });
  };
  const names = async (directory: string): Promise<string[]> => {
    try {
      return (await sh.fs.readdir(sh.path(directory || '.'))).sort(compare);
    } catch {
      return [];
    }
  };
  const isDirectory = async (path: string): Promise<boolean> => {
    try {
      return (await sh.fs.stat(sh.path(path))).isDirectory;
    } catch {
      return false;
    }
  };
  const flags = sh.shopts.has('nocaseglob') ? 'iu' : 'u';
  const segments = pattern.split('/');
  let paths = [pattern.startsWith('/') ? '/' : ''];
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === '') {
      if (index > 0 && isLast) {
        const directories: string[] = [];
        for (const path of paths) if (await isDirectory(path)) directories.push(`${path}/`);
        paths = directories;
      }
      continue;
    }
    const next: string[] = [];
    for (const path of paths) {
      const base = path === '' || path.endsWith('/') ? path : `${path}/`;
      if (segment === '**' && sh.shopts.has('globstar')) {
        const walk = async (at: string): Promise<void> => {
          for (const name of await names(at)) {
            count();
            if (name.startsWith('.')) continue;
            const full = `${at === '' || at.endsWith('/') ? at : `${at}/`}${name}`;
            const isDir = await isDirectory(full);
            if (isLast || isDir) next.push(full);
            if (isDir) await walk(full);
          }
        };
        if (!isLast) next.push(path);
        await walk(path);
      } else if (hasPattern(segment)) {
        const expression = new RegExp(`^(?:${patternSource(segment, '[^/]*', '[^/]')})$`, flags);
        const wantsDots = segment.startsWith('.') || sh.shopts.has('dotglob');
        for (const name of await names(path)) {
          count();
          if ((name.startsWith('.') && !wantsDots) || !expression.test(name)) continue;
          if (isLast || (await isDirectory(base + name))) next.push(base + name);
        }
      } else {
        const name = segment.replace(/\\(.)/g, '$1');
        count();
        if (await sh.fs.exists(sh.path(base + name))) next.push(base + name);
      }
    }
    paths = next;
  }
  return paths.filter((path) => path !== '').sort(compare);
}

/** Code point order, so that a list is the same everywhere. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
