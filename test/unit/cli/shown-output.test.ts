import { describe, expect, it } from 'vitest';
import { readProse } from '#content/prose.ts';
import { shownCommands, strayOutputs } from '#content/shown-commands.ts';
import { missingFrom } from '#content/shown-output.ts';

const LESSON = `Look:

<Command run="kubectl get pods" />

\`\`\`output
NAME READY
\`\`\`

<Command>

\`\`\`sh
cat a |
  grep b
\`\`\`

</Command>

\`\`\`output solved
b
\`\`\`

<Command run="date" />

It prints:

\`\`\`output
today
\`\`\`
`;

describe('what a lesson shows', () => {
  it('belongs to the command directly above', () => {
    expect(shownCommands(LESSON)).toEqual([
      { line: 3, command: 'kubectl get pods', output: { line: 5, text: 'NAME READY', solved: false } },
      { line: 11, command: 'cat a |\n  grep b', output: { line: 18, text: 'b', solved: true } },
      { line: 22, command: 'date' },
    ]);
  });

  it('is a mistake where it stands under no command', () => {
    expect(strayOutputs(readProse(LESSON, 10)).map(({ line }) => line)).toEqual([35]);
  });
});

describe('what is shown and what was printed', () => {
  it('may differ in blanks', () => {
    expect(missingFrom('NAME READY\na 1/1', 'NAME     READY  \na        1/1\n\n')).toBeUndefined();
  });

  it('may differ where the mark stands, inside a line and for whole lines', () => {
    const printed = 'NAME READY AGE\napi-5f7-x 2/2 17s\nload-1-y 2/2 9s\nweb-5-z 2/2 17s\n';
    expect(missingFrom('NAME READY AGE\napi-… 2/2 …\n…\nweb-… 2/2 …', printed)).toBeUndefined();
    expect(missingFrom('…\nweb-… 2/2 …', printed)).toBeUndefined();
    expect(missingFrom('NAME READY AGE\n…', printed)).toBeUndefined();
    expect(missingFrom('…', '')).toBeUndefined();
  });

  it('differ in nothing else', () => {
    expect(missingFrom('a\nb', 'a\nc')).toBe('b');
    expect(missingFrom('a', 'a\nb')).toBe('the end: more was printed');
    expect(missingFrom('a\nb', 'a')).toBe('b');
    expect(missingFrom('…\nb…c', 'x\nbc\nd')).toBe('the end: more was printed');
    expect(missingFrom('web-… 1/1 …', 'web-5-z 2/2 17s')).toBe('web-… 1/1 …');
    // What stands before the mark and what stands after it do not share characters.
    expect(missingFrom('aba…aba', 'aba')).toBe('aba…aba');
    expect(missingFrom('a…b…c', 'acb c')).toBeUndefined();
    expect(missingFrom('a…b…c', 'axc')).toBe('a…b…c');
  });
});
