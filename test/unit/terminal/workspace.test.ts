import { describe, expect, it } from 'vitest';
import { MovableClock } from '../../../src/base/clock.ts';
import { AcademyError } from '../../../src/base/errors.ts';
import { textOf, Workspace } from '../../../src/terminal/workspace.ts';

const HOME = '/home/learner';

function place(files: Record<string, string> = {}) {
  const clock = new MovableClock();
  const told: [path: string, content: string | null, version: number][] = [];
  const conflicts: string[] = [];
  const workspace = new Workspace({
    clock,
    files: Object.fromEntries(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])),
    onFile: (path, content, version) => told.push([path, content && Buffer.from(content).toString(), version]),
    onConflict: (path, keptAs) => conflicts.push(`${path} → ${keptAs}`),
  });
  return { workspace, told, conflicts, clock, fs: workspace.fs };
}
const codeOf = (work: () => void): string => {
  try {
    work();
    return 'no error';
  } catch (error) {
    return error instanceof AcademyError ? error.code : String(error);
  }
};

describe('the workspace', () => {
  it('holds the lab’s files and does not tell about them', () => {
    const { workspace, told } = place({ 'a.yaml': 'a', 'certs/ca.crt': 'b' });
    expect(workspace.list()).toEqual([
      { path: 'a.yaml', content: 'a', version: 1 },
      { path: 'certs/ca.crt', content: 'b', version: 1 },
    ]);
    expect(told).toEqual([]);
  });

  it('shows one tree to editor and shell', async () => {
    const { workspace, fs, told } = place();
    workspace.write('new/deep/file.yaml', 'kind: Pod\n');
    expect(await fs.readFile(`${HOME}/new/deep/file.yaml`)).toBe('kind: Pod\n');
    expect(told).toEqual([['new/deep/file.yaml', 'kind: Pod\n', 2]]);
  });

  it('tells a program’s writing once, when it is over', async () => {
    const { fs, told, clock } = place({ log: '' });
    for (let i = 0; i < 50; i++) await fs.appendFile(`${HOME}/log`, `${i}\n`);
    expect(told).toEqual([]);
    await clock.advance(100);
    expect(told).toHaveLength(1);
    expect(told[0]![1]).toMatch(/^0\n1\n(\d+\n)*49\n$/);
  });

  it('tells now and then about a file that is written without a pause', async () => {
    const { fs, told, clock } = place();
    for (let i = 0; i < 50; i++) {
      await fs.appendFile(`${HOME}/log`, `${i}\n`);
      await clock.advance(50);
    }
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(told.length).toBeLessThanOrEqual(4);
  });

  it('tells about what is gone, moved and copied', async () => {
    const { workspace, fs, told } = place({ 'a/one': '1', 'a/two': '2' });
    await fs.mv(`${HOME}/a`, `${HOME}/b`);
    await fs.cp(`${HOME}/b`, `${HOME}/c`, { recursive: true });
    await fs.rm(`${HOME}/b/one`);
    workspace.flush();
    expect(told.map(([path, content]) => [path, content])).toEqual([
      ['a/one', null],
      ['a/two', null],
      ['b/one', null],
      ['b/two', '2'],
      ['c/one', '1'],
      ['c/two', '2'],
    ]);
  });

  it('is silent about what lies outside the home', async () => {
    const { workspace, fs, told } = place();
    await fs.writeFile('/tmp/x', 'x');
    workspace.flush();
    expect(told).toEqual([]);
  });

  it('keeps both texts when a program wrote what the editor had not seen', async () => {
    const { workspace, fs, conflicts, told } = place({ 'a.yaml': 'first' });
    await fs.writeFile(`${HOME}/a.yaml`, 'by a program');
    workspace.write('a.yaml', 'by the editor', 1);
    expect(conflicts).toEqual(['a.yaml → a.yaml.orig']);
    expect(await fs.readFile(`${HOME}/a.yaml`)).toBe('by the editor');
    expect(await fs.readFile(`${HOME}/a.yaml.orig`)).toBe('by a program');
    expect(told.map(([path, content]) => [path, content])).toEqual([
      ['a.yaml.orig', 'by a program'],
      ['a.yaml', 'by the editor'],
    ]);
  });

  it('takes fast writes of the editor itself without a conflict', () => {
    const { workspace, conflicts } = place({ 'a.yaml': 'first' });
    for (const text of ['a', 'ab', 'abc']) workspace.write('a.yaml', text, 1);
    expect(conflicts).toEqual([]);
    expect(workspace.list()[0]).toMatchObject({ content: 'abc', version: 4 });
  });

  it('does not tell a write that changes nothing', () => {
    const { workspace, told } = place({ a: 'same' });
    workspace.write('a', 'same', 1);
    expect(told).toEqual([]);
  });

  it('leaves out of the list what is not text, and keeps its bytes', async () => {
    const { workspace, fs } = place();
    const bytes = Uint8Array.of(0, 255, 10, 13);
    await fs.writeFile(`${HOME}/key.der`, bytes);
    expect(workspace.list()).toEqual([]);
    expect(await fs.readFileBuffer(`${HOME}/key.der`)).toEqual(bytes);
    expect(textOf(bytes)).toBeUndefined();
    expect(textOf(Uint8Array.of(0xc3, 0x28))).toBeUndefined();
    expect(textOf(Buffer.from('ä\n'))).toBe('ä\n');
  });

  it.each(
    [
      [
        '',
        '../etc/passwd',
        '/etc/passwd',
        'a/../../b',
        'a//b',
        './a',
        'a/',
        'a\0b',
        `${'x'.repeat(201)}`,
        'a b.txt',
        'é;rm',
      ],
    ].flat(),
  )('refuses the name %j', (name) => {
    expect(codeOf(() => place().workspace.write(name, 'x'))).toBe('file/name');
  });

  it('refuses folders without end, and a file where a folder is', () => {
    const { workspace } = place({ 'd/f': 'x' });
    expect(codeOf(() => workspace.write(Array(13).fill('d').join('/'), 'x'))).toBe('file/name');
    expect(codeOf(() => workspace.write('d', 'x'))).toBe('file/name');
    expect(codeOf(() => workspace.write('d/f/g', 'x'))).toBe('file/name');
  });

  it('takes back whatever a program had saved, and nothing from outside', () => {
    const deep = `${Array(20).fill('d').join('/')}/my file.txt`;
    const { workspace } = place({ [deep]: 'deep', '../../etc/passwd': 'no', '..': 'no' });
    expect(workspace.list().map(({ path }) => path)).toEqual([deep]);
  });

  it('saves a file whose odd name a program chose', async () => {
    const { workspace, fs } = place();
    await fs.writeFile(`${HOME}/my notes.txt`, 'a');
    workspace.write('my notes.txt', 'b');
    expect(await fs.readFile(`${HOME}/my notes.txt`)).toBe('b');
  });

  it('refuses a file above 1 MiB', async () => {
    const { workspace, fs } = place();
    expect(codeOf(() => workspace.write('big', 'x'.repeat(1024 * 1024 + 1)))).toBe('file/too-large');
    await expect(fs.writeFile(`${HOME}/big`, 'x'.repeat(1024 * 1024 + 1))).rejects.toMatchObject({ code: 'EFBIG' });
  });

  it('is full at 64 MiB, and can be emptied again', async () => {
    const { workspace, fs } = place();
    await fs.writeFile('/tmp/fill', new Uint8Array(64 * 1024 * 1024 - 2048));
    await expect(fs.writeFile('/tmp/more', new Uint8Array(2049))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(codeOf(() => workspace.write('a', 'x'.repeat(2049)))).toBe('file/too-large');
    await fs.rm('/tmp/fill');
    workspace.write('a', 'x'.repeat(2049));
  });

  it('holds a bounded number of entries', async () => {
    const { fs } = place();
    const made = async () => {
      for (let i = 0; i < 6_000; i++) await fs.writeFile(`/tmp/${i}`, '');
    };
    await expect(made()).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  it('renames, and refuses to replace', async () => {
    const { workspace, told } = place({ a: '1', b: '2' });
    workspace.rename('a', 'sub/c');
    expect(told.map(([path, content]) => [path, content])).toEqual([
      ['a', null],
      ['sub/c', '1'],
    ]);
    expect(codeOf(() => workspace.rename('b', 'sub/c'))).toBe('file/name');
    expect(codeOf(() => workspace.rename('nope', 'x'))).toBe('file/name');
  });

  it('removes files and folders, and is quiet about what is not there', () => {
    const { workspace, told } = place({ 'd/a': '1', 'd/b': '2' });
    workspace.delete('d');
    workspace.delete('d');
    expect(told.map(([path, content]) => [path, content])).toEqual([
      ['d/a', null],
      ['d/b', null],
    ]);
  });

  it('lists programs and lets nobody change the system', async () => {
    const { workspace, fs } = place();
    workspace.installPrograms([{ name: 'kubectl', summary: 'control the cluster' }]);
    expect(await fs.readdir('/usr/bin')).toEqual(['kubectl']);
    expect((await fs.stat('/usr/bin/kubectl')).mode & 0o111).toBe(0o111);
    expect(await fs.readFile('/etc/hosts')).toContain('127.0.0.1\tlocalhost');
    await expect(fs.writeFile('/etc/hosts', '')).rejects.toMatchObject({ code: 'EACCES' });
    await expect(fs.rm('/usr/bin/kubectl')).rejects.toMatchObject({ code: 'EACCES' });
    await expect(fs.rm(HOME, { recursive: true })).rejects.toMatchObject({ code: 'EACCES' });
    await fs.writeFile('/dev/null', 'gone');
    expect(await fs.readFile('/dev/null')).toBe('');
  });

  it('follows symbolic links, and stops in a loop of them', async () => {
    const { workspace, fs, told } = place({ 'certs/ca.crt': 'ca' });
    await fs.symlink('certs', `${HOME}/link`);
    await fs.writeFile(`${HOME}/link/new.crt`, 'new');
    await fs.symlink('loop', `${HOME}/loop`);
    workspace.flush();
    expect(told.map(([path]) => path)).toEqual(['certs/new.crt']);
    expect(await fs.realpath(`${HOME}/link/ca.crt`)).toBe(`${HOME}/certs/ca.crt`);
    await expect(fs.readFile(`${HOME}/loop`)).rejects.toMatchObject({ code: 'ELOOP' });
    await fs.symlink('/etc/passwd', `${HOME}/out`);
    expect(codeOf(() => workspace.write('out', 'x'))).toBe('file/name');
  });

  it.each([
    ['readFile', '/nope', "ENOENT: no such file or directory, open '/nope'"],
    ['readdir', '/etc/hosts', "ENOTDIR: not a directory, scandir '/etc/hosts'"],
    ['readFile', '/etc', "EISDIR: illegal operation on a directory, read '/etc'"],
    ['stat', '/etc/hosts/x', "ENOTDIR: not a directory, stat '/etc/hosts/x'"],
    ['rm', '/home', "EACCES: permission denied, rm '/home'"],
  ] as const)('%s %s fails in the usual words', async (call, path, message) => {
    await expect(place().fs[call](path)).rejects.toThrow(message);
  });
});
