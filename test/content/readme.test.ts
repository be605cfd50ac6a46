import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSettings } from '#server/settings.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

describe('README.md', () => {
  it('lists every setting with the value it has when nobody sets it', async () => {
    const source = await read('src/server/settings.ts');
    const names = [...source.matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map((match) => match[1]!);
    expect(names.length).toBeGreaterThan(5);
    const table = (await read('README.md')).split('\n').filter((line) => line.startsWith('| `'));
    const rows = new Map(
      table.map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', ''))).map((c) => [c[1]!, c[2]!]),
    );
    for (const name of names) expect(rows.has(name), name).toBe(true);
    const settings = readSettings({});
    expect(rows.get('HOST')).toBe(settings.host);
    expect(settings.dataDir.endsWith(rows.get('ACADEMY_DATA')!)).toBe(true);
    expect(Number(rows.get('ACADEMY_MAX_SESSIONS'))).toBe(settings.maxSessions);
    expect(Number(rows.get('ACADEMY_SESSION_MEMORY_MB'))).toBe(settings.sessionMemoryMb);
    expect(Number(rows.get('ACADEMY_IDLE_MINUTES')) * 60_000).toBe(settings.idleMs);
    expect(rows.get('ACADEMY_LOG')).toBe(settings.logLevel);
  });

  it.each(['README.md', 'lessons/AUTHORING.md', 'src/ARCHITECTURE.md'])(
    '%s links to files that exist',
    async (file) => {
      const text = await read(file);
      for (const [, target] of text.matchAll(/\]\((?!https:)([^)#]+)/g))
        expect(existsSync(join(ROOT, file, '..', target!)), target).toBe(true);
    },
  );

  it.each(['README.md', 'lessons/AUTHORING.md'])('%s names only commands that exist', async (file) => {
    const table = await read('src/cli/academy.ts');
    const scripts = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
    const text = await read(file);
    for (const [, verb] of text.matchAll(/npx academy ([a-z]+)/g))
      expect(table, verb).toMatch(new RegExp(`^ {2}${verb}: \\{|'${verb}'`, 'm'));
    for (const [, script] of text.matchAll(/npm run ([a-z]+)/g)) expect(Object.keys(scripts.scripts)).toContain(script);
  });
});
