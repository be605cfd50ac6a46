import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { TmuxControl } from '#cluster/toolbox/control.ts';
import { NewLines } from '#cluster/toolbox/new-lines.ts';
import { withoutQueries } from '#cluster/toolbox/queries.ts';

/** A control-mode client with the other end of its stream in the test's hands. */
function client() {
  const sent: string[] = [];
  const told: string[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      sent.push(String(chunk));
      done();
    },
  });
  const control = new TmuxControl(stream, {
    onOutput: (pane, data) => told.push(`${pane} ${data.toString()}`),
    onWindowClosed: (window) => told.push(`closed ${window}`),
    onEnd: () => told.push('end'),
  });
  const say = async (text: string) => {
    stream.push(text);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { control, sent, told, say, stream };
}

describe('tmux’s control mode', () => {
  it('answers commands in their order, whatever their lines look like', async () => {
    const { control, sent, say } = client();
    const first = control.command('list-windows', '-F', '#{window_id} #{window_name}');
    const second = expect(control.command('bad', "it's")).rejects.toMatchObject({
      code: 'driver/failed',
      message: 'tmux: unknown command: bad',
    });
    await say('%begin 1 10 0\nnot ours\n%end 1 10 0\n%begin 1 11 1\n@1 a\n%end 1 9 1\n%output no\n%end 1 11');
    await say(' 1\n%begin 1 12 1\nunknown command: bad\n%error 1 12 1\n');
    expect(await first).toEqual(['@1 a', '%end 1 9 1', '%output no']);
    await second;
    expect(sent).toEqual(["list-windows -F '#{window_id} #{window_name}'\n", "bad 'it'\\''s'\n"]);
  });

  it('gives what panes print, byte for byte', async () => {
    const { told, say } = client();
    await say('%output %1 a\\033[1mb\\015\\012\\134x\n%output %2 ä \\');
    await say('011.\n%window-close @3\n%unlinked-window-close @4\n%session-changed $0 a\n');
    expect(told).toEqual(['%1 a\x1b[1mb\r\n\\x', '%2 ä \t.', 'closed @3', 'closed @4']);
  });

  it('ends once, and refuses what waits', async () => {
    const { control, told, say } = client();
    const waiting = expect(control.command('x')).rejects.toMatchObject({ code: 'driver/failed' });
    await say('%exit server exited\n');
    await waiting;
    await expect(control.command('y')).rejects.toMatchObject({ code: 'driver/failed' });
    control.close();
    expect(told).toEqual(['end']);
  });
});

describe('output on its way to a page', () => {
  it.each([
    ['\x1b[c\x1b[>c\x1b[0ca', 'a', ''],
    ['a\x1b[6nb\x1b[?6n\x1b[5n\x1b[>0q', 'ab', ''],
    ['\x1b[31mred\x1b[0m', '\x1b[31mred\x1b[0m', ''],
    ['ends with \x1b[', 'ends with ', '\x1b['],
    ['ends with \x1b[>0', 'ends with ', '\x1b[>0'],
    ['\x1b[2;3H', '\x1b[2;3H', ''],
  ])('%j loses the questions that tmux answered', (output, shown, tail) => {
    expect(withoutQueries(output)).toEqual({ shown, tail });
  });
});

describe('lines of history', () => {
  it('are told once, and not those that were known', () => {
    const told: string[] = [];
    const lines = new NewLines(['a', 'b'], (line) => told.push(line));
    lines.take('a\nb\n');
    lines.take('a\nb\nc\n');
    lines.take('a\nb\nc\nd\ne\n');
    expect(told).toEqual(['c', 'd', 'e']);
    // Cut by the shell: nobody can say what is new.
    lines.take('e\nf\n');
    lines.take('e\nf\ng\n');
    expect(told).toEqual(['c', 'd', 'e', 'g']);
  });
});
