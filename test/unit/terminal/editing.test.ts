import { describe, expect, it } from 'vitest';
import { desk } from './desk.ts';

/** What is typed, the screen after it, and where the cursor stands. The prompt takes two columns. */
const CASES: [name: string, keys: string, screen: string, cursor: string][] = [
  ['types', 'kubectl get', '$ kubectl get', '0:13'],
  ['Ctrl-A, then text', 'get<C-a>kubectl ', '$ kubectl get', '0:10'],
  ['Home and End', 'b<Home>a<End>c', '$ abc', '0:5'],
  ['Ctrl-B and Ctrl-F', 'abc<C-b><C-b><C-f>X', '$ abXc', '0:5'],
  ['arrows', 'ac<Left>b<Right>d', '$ abcd', '0:6'],
  ['Ctrl-K and Ctrl-Y', 'one two<C-a><C-k><C-y><C-y>', '$ one twoone two', '0:16'],
  ['Ctrl-U', 'one two<Left><C-u>', '$ o', '0:2'],
  ['Ctrl-W takes a word up to a blank', 'kubectl -n my-app<C-w>', '$ kubectl -n', '0:13'],
  ['two Ctrl-W are one cut', 'a b c<C-w><C-w><C-y>', '$ a b c', '0:7'],
  ['Alt-B, Alt-F, Alt-D', 'one two-three four<M-b><M-b><M-d>', '$ one two- four', '0:10'],
  ['Ctrl with arrows', 'one two three<C-Left><C-Left>X<C-Right>Y', '$ one XtwoY three', '0:11'],
  ['Alt-Backspace', 'path/to/file<M-Backspace>', '$ path/to/', '0:10'],
  ['Ctrl-D deletes', 'abc<C-a><C-d>', '$ bc', '0:2'],
  ['Delete', 'abc<Home><Delete>', '$ bc', '0:2'],
  ['Backspace in the middle', 'abc<Left><Backspace>', '$ ac', '0:3'],
  ['Ctrl-T', 'ab<C-t>', '$ ba', '0:4'],
  ['Alt-U, Alt-L, Alt-C', 'abc Def ghi<C-a><M-u><M-l><M-c>', '$ ABC def Ghi', '0:13'],
  ['Alt-Y brings the cut before', 'one two<C-w>x<C-u><C-y><M-y>', '$ two', '0:5'],
  ['Ctrl-_ takes back', 'one two<C-w><C-_>', '$ one two', '0:9'],
  ['wraps at the width', 'a'.repeat(45), `$ ${'a'.repeat(38)}\n${'a'.repeat(7)}`, '1:7'],
  ['ends exactly at the edge', 'a'.repeat(38), `$ ${'a'.repeat(38)}`, '1:0'],
  ['goes back over the edge', `${'a'.repeat(38)}<Left><Left>`, `$ ${'a'.repeat(38)}`, '0:38'],
  ['inserts into a wrapped line', `${'a'.repeat(50)}<Home>b`, `$ b${'a'.repeat(37)}\n${'a'.repeat(13)}`, '0:3'],
  ['deletes back from the second row', `${'a'.repeat(39)}<Backspace><Backspace>`, `$ ${'a'.repeat(37)}`, '0:39'],
  ['wide characters', '網格x<Left><Backspace>', '$ 網x', '0:4'],
  ['a wide character does not split at the edge', `${'a'.repeat(37)}網`, `$ ${'a'.repeat(37)}\n網`, '1:2'],
  ['combining marks go with their letter', 'ae\u0301b<Left><Backspace>', '$ ab', '0:3'],
  ['characters beyond the first plane', '😀b<Left><Left>a', '$ a😀b', '0:3'],
  ['Ctrl-L clears', 'echo hi<Enter>abc<C-l>', '$ abc', '0:5'],
  ['Ctrl-S, Ctrl-Q and Ctrl-Z mean nothing', 'a<C-s><C-q><C-z>b', '$ ab', '0:4'],
  ['Ctrl-C gives a new line', 'oops<C-c>', '$ oops^C\n[130]$', '1:7'],
  ['unknown sequences are passed over', 'a\x1b[17~\x1b[1;9Zb', '$ ab', '0:4'],
  ['a quote goes on in the next line', "echo 'one<Enter>two", "$ echo 'one\n> two", '1:5'],
  ['a paste with newlines waits for Enter', '<Paste(>one\r\ntwo\r\n<)Paste>', '$ one\ntwo', '1:3'],
  ['a paste cannot hide control characters', '<Paste(>a\x1b[2Jb\x03<)Paste>', '$ a[2Jb', '0:7'],
];

describe('the line editor', () => {
  it.each(CASES)('%s', async (_name, keys, screen, cursor) => {
    const at = await desk();
    await at.type(keys);
    expect(at.screen()).toBe(screen);
    expect(at.cursor()).toBe(cursor);
  });

  it('shows the same whether keys come one by one or at once', async () => {
    for (const [, keys, screen, cursor] of CASES) {
      const at = await desk();
      const parts = keys.match(/<[^<>\s]+>|\x1b\[[0-9;]*[A-Za-z~]|./gsu) ?? [];
      for (const part of parts) await at.type(part);
      expect(at.screen()).toBe(screen);
      expect(at.cursor()).toBe(cursor);
    }
  });

  it('takes sequences that are cut in two', async () => {
    const at = await desk();
    await at.type('abc\x1b[');
    await at.type('D\x1b');
    await at.type('[Dx\x1b[200~p');
    await at.type('q\x1b[20');
    await at.type('1~');
    expect(at.screen()).toBe('$ axpqbc');
  });

  it('runs whole commands and joins their lines', async () => {
    const at = await desk();
    await at.type("echo 'a<Enter>b'<Enter>");
    await at.type('for i in 1 2; do<Enter>echo $i<Enter>done<Enter>');
    await at.type('echo one \\<Enter>two<Enter>');
    expect(at.ran).toEqual(["echo 'a\nb'", 'for i in 1 2; do\necho $i\ndone', 'echo one \\\ntwo']);
  });

  it('drops what was entered at Ctrl-C in a second line', async () => {
    const at = await desk();
    await at.type("echo 'a<Enter>b<C-c>ls<Enter>");
    expect(at.ran).toEqual(['ls']);
    expect(at.screen()).toBe("$ echo 'a\n> b^C\n[130]$ ls\n$");
  });

  it('ends at Ctrl-D on an empty line only', async () => {
    const at = await desk();
    await at.type('a<C-d>');
    expect(at.closed()).toBe(false);
    await at.type('<Backspace><C-d>');
    expect(at.closed()).toBe(true);
    expect(at.screen()).toBe('$ exit');
  });

  it.each([
    [20, `$ ${'a'.repeat(18)}\n${'a'.repeat(20)}\n${'a'.repeat(12)}`],
    [30, `$ ${'a'.repeat(28)}\n${'a'.repeat(22)}`],
    [80, `$ ${'a'.repeat(50)}`],
  ])('draws the line again at %i columns', async (columns, screen) => {
    const at = await desk();
    await at.type('a'.repeat(50));
    await at.resize(columns, 12);
    expect(at.screen()).toBe(screen);
    await at.type('<Home>b<End>c');
    expect(at.screen().replace(/\n/g, '')).toBe(`$ b${'a'.repeat(50)}c`);
  });

  it('keeps right at the bottom of the screen', async () => {
    const at = await desk({ rows: 4 });
    await at.type('<Enter><Enter><Enter><Enter>');
    await at.type('x'.repeat(100));
    await at.type('<Home>y');
    expect(at.screen()).toBe(`$\n$ y${'x'.repeat(37)}\n${'x'.repeat(40)}\n${'x'.repeat(23)}`);
  });

  it('prints a notice above the line', async () => {
    const at = await desk();
    await at.type('half a li<Left>');
    at.terminal.notice('Your session ends in 5 minutes.');
    await at.settle();
    expect(at.screen()).toBe('Your session ends in 5 minutes.\n$ half a li');
    expect(at.cursor()).toBe('1:10');
  });

  it('greets, and then shows the prompt', async () => {
    const at = await desk({ welcome: 'Welcome.\nType help.' });
    expect(at.screen()).toBe('Welcome.\nType help.\n$');
  });
});
