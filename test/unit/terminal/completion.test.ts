import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/shell/command.ts';
import { desk } from './desk.ts';

const program = (name: string, complete?: Command['complete']): Command => ({
  name,
  execute: async () => 0,
  ...(complete ? { complete } : {}),
});
const among = (names: string[], last: string) => names.filter((name) => name.startsWith(last));

const commands = [
  program('kubectl', async (words) => {
    const last = words.at(-1)!;
    if (words.length === 2) return among(['get', 'describe', 'delete'], last);
    if (words.at(-2) === '-n') return among(['web', 'web-admin', 'linkerd'], last);
    if (last.startsWith('-')) return among(['--namespace=', '--watch'], last);
    if (words.at(-2) === '-f') return [];
    return among(['pods', 'podtemplates', 'services'], last);
  }),
  program('kustomize'),
  program('cat'),
  program('fails', async () => {
    throw new Error('no cluster');
  }),
];
const files = {
  'issuer.crt': 'x',
  'issuer.key': 'x',
  'notes with blanks.txt': 'x',
  'certs/root.crt': 'x',
  'certs/deep/leaf.crt': 'x',
  '.hidden': 'x',
  "it's": 'x',
};

const CASES: [name: string, keys: string, screen: string][] = [
  ['a command', 'kube<Tab>', '$ kubectl'],
  ['the common beginning of commands', 'ku<Tab>', '$ ku'],
  ['lists at the second Tab', 'ku<Tab><Tab>', '$ ku\nkubectl    kustomize\n$ ku'],
  ['a builtin', 'expo<Tab>', '$ export'],
  ['what the program offers', 'kubectl desc<Tab>', '$ kubectl describe'],
  [
    'what the program offers, listed',
    'kubectl get po<Tab><Tab><Tab>',
    '$ kubectl get pod\npods          podtemplates\n$ kubectl get pod',
  ],
  ['what an alias stands for', 'k desc<Tab>', '$ k describe'],
  ['after a pipe', 'ls | kube<Tab>', '$ ls | kubectl'],
  ['after an assignment', 'A=b kube<Tab>', '$ A=b kubectl'],
  ['inside $( )', 'echo "$(kubectl ge<Tab>', '$ echo "$(kubectl get'],
  ['a flag that takes a value gets no blank', 'kubectl get --na<Tab>x', '$ kubectl get --namespace=x'],
  ['a value with several', 'kubectl -n web<Tab><Tab>', '$ kubectl -n web\nweb        web-admin\n$ kubectl -n web'],
  ['files where the program offers nothing', 'kubectl apply -f issuer.k<Tab>', '$ kubectl apply -f issuer.key'],
  ['files', 'cat iss<Tab>k<Tab>x', '$ cat issuer.key x'],
  ['a folder, then what is in it', 'cat ce<Tab>ro<Tab>x', '$ cat certs/root.crt x'],
  ['listed by their last names', 'cat certs/<Tab><Tab>', '$ cat certs/\ndeep/     root.crt\n$ cat certs/'],
  ['folders only after cd', 'cd <Tab>d<Tab>', '$ cd certs/deep/'],
  ['hidden files when asked for', 'cat .h<Tab>', '$ cat .hidden'],
  ['home', 'cat ~/ce<Tab>', '$ cat ~/certs/'],
  ['blanks are escaped', 'cat not<Tab>x', '$ cat notes\\ with\\ blanks.txt x'],
  ['in double quotes', 'cat "not<Tab>x', '$ cat "notes with blanks.txt" x'],
  ['a quote in a name', 'cat it<Tab>', "$ cat it\\'s"],
  ['a redirection', 'echo x > iss<Tab>k<Tab>', '$ echo x > issuer.key'],
  ['variables', 'echo $KUBE<Tab>x', '$ echo $KUBECONFIG x'],
  ['variables in braces', 'echo ${KUBE<Tab>', '$ echo ${KUBECONFIG}'],
  ['in the middle of a line', 'cat iss<Tab>k foo<C-Left><Left><Tab>', '$ cat issuer.key foo'],
  ['a program that fails offers files', 'fails iss<Tab>', '$ fails issuer.'],
  ['nothing to offer', 'cat zzz<Tab><Tab>', '$ cat zzz'],
];

describe('completion', () => {
  it.each(CASES)('%s', async (_name, keys, screen) => {
    const at = await desk({ commands, files });
    await at.type(keys);
    expect(at.screen()).toBe(screen);
  });

  it('asks before a long list', async () => {
    const many = Array.from({ length: 120 }, (_, i) => program(`tool${i}`));
    const at = await desk({ commands: many, rows: 40 });
    await at.type('tool<Tab><Tab>');
    expect(at.screen()).toBe('$ tool\nDisplay all 120 possibilities? (y or n)');
    await at.type('n');
    expect(at.screen()).toBe('$ tool\nDisplay all 120 possibilities? (y or n)\n$ tool');
    await at.type('<Tab>y');
    expect(at.screen()).toMatch(/tool17 .*tool99\n\$ tool$/);
  });

  it('keeps keys that are typed while a completion is waited for', async () => {
    let answer: (names: string[]) => void = () => {};
    const slow = program('slow', () => new Promise<string[]>((resolve) => (answer = resolve)));
    const at = await desk({ commands: [slow] });
    await at.type('slow a<Tab>xyz');
    expect(at.screen()).toBe('$ slow a');
    answer(['alpha']);
    await at.settle();
    expect(at.screen()).toBe('$ slow alpha xyz');
  });
});
