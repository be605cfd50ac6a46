import headless from '@xterm/headless';
import { afterEach, describe, expect, it } from 'vitest';
import { MovableClock, WallClock } from '../../../src/base/clock.ts';
import type { KubeClient } from '../../../src/kube/client/client.ts';
import { LoopbackNet } from '../../../src/terminal/loopback.ts';
import { Terminals } from '../../../src/terminal/terminals.ts';
import { createTools } from '../../../src/terminal/tools.ts';
import { Workspace } from '../../../src/terminal/workspace.ts';
import { keys } from './desk.ts';

const started: Terminals[] = [];
afterEach(() => {
  for (const terminals of started.splice(0)) terminals.stop();
});

/** A session's terminals as the server puts them together, without a cluster. */
function session(
  options: {
    files?: Record<string, string>;
    history?: string[];
    movable?: boolean;
    editor?: (text: string) => string | null;
  } = {},
) {
  const clock = new MovableClock();
  const told: string[] = [];
  const kept: string[] = [];
  const edits: string[] = [];
  const workspace = new Workspace({
    files: Object.fromEntries(Object.entries(options.files ?? {}).map(([path, text]) => [path, Buffer.from(text)])),
    onFile: (path, content) => told.push(`${path}${content === null ? ' gone' : ''}`),
  });
  const screens = new Map<string, InstanceType<typeof headless.Terminal>>();
  const terminals = new Terminals({
    workspace,
    wall: new WallClock(),
    clock,
    history: options.history ?? [],
    commands: createTools({
      // Nothing in these tests talks to a cluster.
      client: {} as KubeClient,
      clock,
      wall: new WallClock(),
      loopback: new LoopbackNet(),
      openEditor: async (path, content) => {
        edits.push(path);
        return options.editor?.(content) ?? null;
      },
      ...(options.movable ? { advanceClock: (ms: number) => clock.advance(ms) } : {}),
    }),
    onOpened: (id) => told.push(`${id} opened`),
    onOutput: (id, data) => screens.get(id)?.write(data),
    onClosed: (id) => told.push(`${id} closed`),
    onHistory: (line) => kept.push(line),
  });
  started.push(terminals);
  const open = (id: string) => {
    screens.set(id, new headless.Terminal({ cols: 80, rows: 24, allowProposedApi: true }));
    terminals.open(id, { columns: 80, rows: 24 });
  };
  const screen = (id = 'a') => {
    const terminal = screens.get(id)!;
    const { active } = terminal.buffer;
    return Array.from(
      { length: 24 },
      (_, y) =>
        active
          .getLine(active.baseY + y)
          ?.translateToString(true)
          .trimEnd() ?? '',
    )
      .join('\n')
      .trimEnd();
  };
  return {
    workspace,
    terminals,
    told,
    kept,
    edits,
    open,
    screen,
    type: (script: string, id = 'a') => terminals.input(id, keys(script)),
    shows: (text: string | RegExp, id = 'a') => expect.poll(() => screen(id), { timeout: 5_000 }).toMatch(text),
    script: (text: string) => terminals.runScript(text),
  };
}

const PROMPT = 'learner@academy:~$';

describe('terminals', () => {
  it('shows a prompt, runs commands and shows their exit code', async () => {
    const at = session();
    at.open('a');
    await at.shows(/^learner@academy:~\$$/);
    at.type('echo one | tr a-z A-Z; false<Enter>');
    await at.shows(/ONE\nlearner@academy:~ \[1\]\$$/);
    at.type('mkdir -p w/x/y/z && cd w/x/y/z<Enter>');
    await at.shows(/learner@academy:~\/…\/y\/z\$$/);
    at.type('nosuch<Enter>');
    await at.shows(/nosuch: command not found\nlearner@academy:~\/…\/y\/z \[127\]\$$/);
  });

  it('asks for the rest of a command', async () => {
    const at = session();
    at.open('a');
    await at.shows(PROMPT);
    at.type('for i in 1 2; do<Enter>');
    await at.shows(/do\n>$/);
    at.type('echo n$i; done<Enter>');
    await at.shows(/n1\nn2\nlearner@academy:~\$$/);
    at.type('cat <<EOF<Enter>body<Enter>EOF<Enter>');
    await at.shows(/> EOF\nbody\nlearner@academy:~\$$/);
  });

  it('interrupts what runs', async () => {
    const at = session();
    at.open('a');
    await at.shows(PROMPT);
    at.type('while true; do sleep 60; done<Enter>');
    await at.shows(/done$/);
    at.type('<C-c>');
    await at.shows(/\^C\nlearner@academy:~ \[130\]\$$/);
  });

  it('shares files and history between terminals, and starts from the lines of before', async () => {
    const at = session({ history: ['from before'] });
    at.open('a');
    at.open('b');
    await at.shows(PROMPT, 'a');
    await at.shows(PROMPT, 'b');
    at.type('echo shared > file<Enter>', 'a');
    await at.shows(/shared > file\nlearner@academy:~\$$/, 'a');
    expect(at.kept).toEqual(['echo shared > file']);
    at.type('cat file; history<Enter>', 'b');
    await at.shows(/shared\n {4}1 {2}from before\n {4}2 {2}echo shared > file\n {4}3 {2}cat file; history\n/, 'b');
    expect(at.told).toContain('a opened');
  });

  it('closes at exit and at Ctrl-D', async () => {
    const at = session();
    at.open('a');
    at.open('b');
    await at.shows(PROMPT, 'a');
    await at.shows(PROMPT, 'b');
    at.type('exit 3<Enter>', 'a');
    at.type('<C-d>', 'b');
    await expect.poll(() => at.told).toEqual(expect.arrayContaining(['a closed', 'b closed']));
    expect(() => at.type('x', 'a')).toThrow('There is no terminal "a".');
  });

  it('allows a few terminals, and opening one twice only resizes it', async () => {
    const at = session();
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) at.open(id);
    at.open('a');
    expect(() => at.open('i')).toThrow('8 terminals at most');
  });

  it('runs ~/.bashrc first, with its aliases and prompt', async () => {
    const at = session({ files: { '.bashrc': "alias hi='echo hello'\nPS1='\\u:\\W\\$ '\n" } });
    at.open('a');
    await at.shows(/^learner:~\$$/);
    at.type('hi<Enter>');
    await at.shows(/hello\nlearner:~\$$/);
  });

  it('completes programs, builtins and files', async () => {
    const at = session({ files: { 'issuer.crt': 'x' } });
    at.open('a');
    await at.shows(PROMPT);
    at.type('open<Tab>x509 -in iss<Tab>');
    await at.shows(/\$ openssl x509 -in issuer\.crt$/);
    at.type('<C-u>step cert<Tab>cr<Tab>--prof<Tab>ro<Tab>');
    await at.shows(/\$ step certificate create --profile root-ca$/);
  });

  it('lists what is here, and says what is not', async () => {
    const at = session();
    expect((await at.script('help')).output).toMatch(/kubectl +control the cluster\n[\s\S]*And: .*\bnano\b/);
    expect((await at.script('man kubectl')).output).toContain('see `kubectl --help`');
    expect(await at.script('sudo ls')).toEqual({
      code: 127,
      output: 'sudo is not here. Everything in this lab works as the user that you are.\n',
    });
    expect((await at.script('which openssl')).output).toBe('/usr/bin/openssl\n');
  });

  it('runs scripts in a fresh shell with the same files', async () => {
    const at = session({ files: { 'a.txt': 'content\n' } });
    expect(await at.script('cd /tmp; x=1; cat ~/a.txt; echo err >&2; exit 4')).toEqual({
      code: 4,
      output: 'content\nerr\n',
    });
    expect((await at.script('echo "[$x]"; pwd')).output).toBe('[]\n/home/learner\n');
    expect(await at.script('edit a.txt')).toMatchObject({ code: 1 });
  });

  it('opens the editor pane for $EDITOR and its friends', async () => {
    const at = session({ files: { 'a.txt': 'old' }, editor: (text) => `${text} and new` });
    at.open('a');
    await at.shows(PROMPT);
    at.type('$EDITOR a.txt && cat a.txt<Enter>');
    await at.shows(/old and new\nlearner@academy:~\$$/);
    at.type('vim new.txt && cat new.txt<Enter>');
    await at.shows(/cat new\.txt\n[\s\S]* and new\nlearner@academy:~\$$/);
    expect(at.edits).toEqual(['/home/learner/a.txt', '/home/learner/new.txt']);
  });

  it('leaves a file alone when the editor was given up', async () => {
    const at = session({ files: { 'a.txt': 'old' }, editor: () => null });
    at.open('a');
    await at.shows(PROMPT);
    at.type('vi a.txt<Enter>');
    await at.shows(/a\.txt was left as it was\nlearner@academy:~ \[1\]\$$/);
  });

  it('moves the cluster’s clock where the lab allows it', async () => {
    const fixed = session();
    expect(await fixed.script('academy clock advance 12h')).toEqual({
      code: 1,
      output: "academy: the clock of this lab stays with the wall's; it can't be moved\n",
    });
    const movable = session({ movable: true });
    expect((await movable.script('academy clock advance 1d12h')).output).toMatch(
      /UTC {2}\(the cluster is 1d 12h ahead of your own clock\)\n$/,
    );
    expect((await movable.script('academy clock advance tomorrow')).code).toBe(2);
    const told = Number((await movable.script('date +%s; sleep 0.01')).output) * 1000;
    expect(told - Date.now()).toBeGreaterThan(35 * 3_600_000);
    await movable.script(
      'step certificate create root ca.crt ca.key --profile root-ca --no-password --insecure --not-after 1h',
    );
    expect((await movable.script('openssl x509 -in ca.crt -noout -checkend 60')).code).toBe(0);
    await movable.script('academy clock advance 2h');
    expect(await movable.script('step certificate verify ca.crt --roots ca.crt')).toMatchObject({ code: 1 });
  });

  it('asks before a file is replaced, and for a password that it does not show', async () => {
    const at = session({ files: { 'ca.crt': 'old' } });
    at.open('a');
    await at.shows(PROMPT);
    at.type('step certificate create root ca.crt ca.key --profile root-ka<Backspace><Backspace>ca<Enter>');
    await at.shows(/password to encrypt the private key:$/);
    at.type('secret<Enter>');
    await at.shows(/private key:\nWould you like to overwrite ca\.crt \[y\/n\]:$/);
    at.type('n<Enter>');
    await at.shows(/\[y\/n\]: n\nfile exists\nlearner@academy:~ \[1\]\$$/);
    expect((await at.script('cat ca.crt')).output).toBe('old');
    expect(at.screen()).not.toContain('secret');
  });

  it('reaches nothing but itself', async () => {
    const at = session();
    expect((await at.script('nc -zv 127.0.0.1 8080')).output).toContain('Connection refused');
    expect((await at.script('nc -z web.default.svc 80')).output).toContain('Name or service not known');
    expect((await at.script('curl -sS http://web.default.svc/')).code).toBe(6);
    expect((await at.script('curl -sS http://localhost:9/')).code).toBe(7);
  });
});
