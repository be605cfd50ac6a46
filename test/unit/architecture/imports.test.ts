import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '../../../src');

/**
 * The rooms from the ground up, as `src/ARCHITECTURE.md` draws them. A room imports from lower lines only; rooms of one
 * line meet through `kube/client`. The longest matching prefix names a file's room.
 */
const LINES: string[][] = [
  ['base'],
  ['schema', 'pki'],
  ['content', 'kube/api', 'shell'],
  ['kube/client', 'kube/store', 'mesh/policy/core', 'cluster/desk.ts'],
  [
    'kube/apiserver',
    'kube/controllers',
    'kube/scheduler',
    'kube/kubelet',
    'kube/network',
    'kube/images',
    'mesh',
    'certs',
    'cluster/driver.ts',
  ],
  ['cluster/linkerd'],
  ['cluster/embedded', 'cluster/kind', 'terminal', 'grader'],
  ['cluster/toolbox'],
  ['server'],
  ['cli'],
];
/** Browser code may use these and itself. */
const BROWSER: Record<string, string[]> = {
  workbench: ['base', 'schema', 'workbench'],
  site: ['base', 'schema', 'content', 'workbench', 'site'],
};

const rooms = LINES.flatMap((line, height) => line.map((room) => ({ room, height }))).sort(
  (a, b) => b.room.length - a.room.length,
);
const roomOf = (path: string) => rooms.find(({ room }) => path === room || path.startsWith(`${room}/`));

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(
    /^\s*(import|export)\s+(type\s+)?[^'"`;]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)/gm,
  )) {
    const specifier = match[3] ?? match[4]!;
    const to = specifier.startsWith('#')
      ? specifier.slice(1)
      : specifier.startsWith('.')
        ? relative(SRC, resolve(dirname(join(SRC, file)), specifier))
        : undefined;
    if (to)
      found.push({
        from: file,
        to,
        typeOnly:
          match[2] !== undefined ||
          (/^import\('/.test(match[0]) === false && /^\s*import\s*\{\s*type\b[^,]*\}/.test(match[0])),
      });
  }
  return found;
}

const files = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(ts|tsx|astro)$/.test(entry.name))
  .map((entry) => relative(SRC, join(entry.parentPath, entry.name)));
const imports = files.flatMap(importsOf);

describe('the house', () => {
  it('has a line for every file under src', () => {
    const homeless = files.filter((file) => !roomOf(file) && !BROWSER[file.split('/')[0]!]);
    expect(homeless).toEqual([]);
  });

  it('imports downwards only', () => {
    const upward = imports.filter(({ from, to, typeOnly }) => {
      const source = roomOf(from);
      const target = roomOf(to);
      if (!source || !target || source.room === target.room) return false;
      // Shapes may be shared between neighbours; code may not.
      return typeOnly ? target.height > source.height : target.height >= source.height;
    });
    expect(upward.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('keeps the browser’s code to what a browser may see', () => {
    const strayed = imports.filter(({ from, to }) => {
      const allowed = BROWSER[from.split('/')[0]!];
      return allowed && !allowed.includes(to.split('/')[0]!);
    });
    expect(strayed.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('has no barrels and no drawers for odds and ends', () => {
    const odd = files.filter(
      (file) => /(^|\/)(utils?|helpers?|common|manager)(\/|\.ts$)/.test(file) || /(^|\/)index\.ts$/.test(file),
    );
    expect(odd).toEqual([]);
  });

  it('touches dockerode in cluster/kind only', () => {
    const touching = files.filter((file) => /from 'dockerode'/.test(readFileSync(join(SRC, file), 'utf8')));
    expect(touching.filter((file) => !file.startsWith('cluster/kind/'))).toEqual([]);
  });
});
