import { describe, expect, it } from 'vitest';
import { expandHistory } from '../../../src/terminal/line/expand.ts';
import { History } from '../../../src/terminal/line/history.ts';
import { desk } from './desk.ts';

const EARLIER = ['kubectl get pods', 'linkerd check', 'kubectl get svc -n web', "echo 'a\nb'"];

const CASES: [name: string, keys: string, screen: string][] = [
  ['Up', '<Up><Up>', '$ kubectl get svc -n web'],
  ['Up and Down come back to what was begun', 'half<Up><Up><Down><Down>', '$ half'],
  ['stops at the oldest', '<Up><Up><Up><Up><Up><Up>', '$ kubectl get pods'],
  ['a changed line is kept while going about', '<Up><Up>X<Up><Down>', '$ kubectl get svc -n webX'],
  ['shows a command of two lines', '<Up>', "$ echo 'a\nb'"],
  ['clears it again', '<Up><Down>x', '$ x'],
  ['Alt-< and Alt->', '<M-<>', '$ kubectl get pods'],
  ['Alt-. brings the last word', 'cat <M-.><M-.>', '$ cat web'],
  ['Ctrl-R finds the newest', '<C-r>kube', "(reverse-i-search)`kube': kubectl get sv\nc -n web"],
  ['Ctrl-R again goes back', '<C-r>kube<C-r>', "(reverse-i-search)`kube': kubectl get po\nds"],
  ['Ctrl-R that finds nothing', '<C-r>kubex', "(failed reverse-i-search)`kubex': kubect\nl get svc -n web"],
  ['Backspace in a search', '<C-r>linkx<Backspace>', "(reverse-i-search)`link': linkerd check"],
  ['Ctrl-G gives it up', 'mine<C-r>kube<C-g>', '$ mine'],
  ['an arrow takes the line', '<C-r>get<Right>', '$ kubectl get svc -n web'],
  ['Enter runs it', '<C-r>link<Enter>', '$ linkerd check\n$'],
  ['!! runs the last one again', 'x<Enter>!!<Enter>', '$ x\n$ !!\nx\n$'],
  ['an unknown event', '!nope<Enter>', '$ !nope\nbash: !nope: event not found\n$'],
];

describe('history at the prompt', () => {
  it.each(CASES)('%s', async (_name, keys, screen) => {
    const at = await desk({ history: EARLIER });
    await at.type(keys.replace('<M-<>', '\x1b<'));
    expect(at.screen()).toBe(screen);
  });

  it('keeps what was run, but not what is doubled or starts with a blank', async () => {
    const at = await desk({ history: EARLIER });
    await at.type('ls<Enter>ls<Enter> secret<Enter>pwd<Enter>');
    expect(at.kept).toEqual(['ls', 'pwd']);
    expect(at.ran).toEqual(['ls', 'ls', ' secret', 'pwd']);
  });
});

describe('history expansion', () => {
  const lines = new History(['kubectl get pods -A', 'step certificate inspect ca.crt', 'echo "a b" c'], () => {});
  it.each([
    ['!!', 'echo "a b" c'],
    ['sudo !!', 'sudo echo "a b" c'],
    ['!1', 'kubectl get pods -A'],
    ['!-2', 'step certificate inspect ca.crt'],
    ['!kube', 'kubectl get pods -A'],
    ['!?inspect?', 'step certificate inspect ca.crt'],
    ['cat !$', 'cat c'],
    ['echo !*', 'echo "a b" c'],
    ['echo !:1', 'echo !:1'],
    ['echo !!:1', 'echo "a b"'],
    ['!step:$', 'ca.crt'],
    ['^c^d', 'edho "a b" c'.replace('edho', 'edho')],
    ["echo '!!'", "echo '!!'"],
    ['echo "wow!"', 'echo "wow!"'],
    ['echo hi!', 'echo hi!'],
    ['[ a != b ]', '[ a != b ]'],
    ['! grep x', '! grep x'],
    ['echo \\!kube', 'echo \\!kube'],
    ['echo $!', 'echo $!'],
    ['echo ${!name}', 'echo ${!name}'],
    ['ls [!a]*', 'ls [!a]*'],
  ])('%s', (line, expanded) => {
    expect(expandHistory(line, lines)).toBe(expanded);
  });

  it('says which event is missing', () => {
    expect(() => expandHistory('!99', lines)).toThrow('!99: event not found');
    expect(() => expandHistory('^nope^x', lines)).toThrow(':s^nope^x: substitution failed');
  });
});

describe('numbers of history', () => {
  it('go on when old lines are dropped', () => {
    const many = new History([], () => {});
    for (let i = 1; i <= 1_005; i++) many.add(`echo ${i}`);
    expect(many.numbered(1)).toEqual([[1_005, 'echo 1005']]);
    expect(many.byNumber(6)).toBe('echo 6');
    expect(many.byNumber(5)).toBeUndefined();
  });
});
