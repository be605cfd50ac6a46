import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createPipe } from '#shell/pipe.ts';
import type { Shell } from '#shell/shell.ts';
import type { TerminalSize, Tty } from '#shell/stdio.ts';
import { makeShell } from './world.ts';

let shell: Shell | undefined;
afterEach(() => shell?.close());

/** A terminal: what is typed goes in, the screen's bytes come out. */
function terminal(size: TerminalSize) {
  const input = createPipe();
  const output = createPipe();
  let raw = 0;
  const tty: Tty = {
    size,
    onResize: () => () => {},
    setRaw: () => {
      raw++;
      return () => {
        raw--;
      };
    },
    keys: input.reader,
  };
  let screen = '';
  return {
    stdio: { stdin: input.reader, stdout: output.writer, stderr: output.writer, tty },
    isRaw: () => raw > 0,
    type: (keys: string) => input.writer.write(keys),
    async until(wanted: string | RegExp): Promise<string> {
      const found = () => (typeof wanted === 'string' ? screen.includes(wanted) : wanted.test(screen));
      while (!found()) {
        const chunk = await output.reader.read();
        if (!chunk) throw new Error(`no ${String(wanted)} in ${JSON.stringify(screen)}`);
        screen += Buffer.from(chunk).toString('utf8');
      }
      const seen = screen;
      screen = '';
      return seen;
    },
  };
}

const files = {
  'long.txt': Array.from({ length: 100 }, (_, i) => `line ${i + 1}${i === 69 ? ' needle' : ''}`).join('\n') + '\n',
};

async function start(script: string, size: TerminalSize = { columns: 40, rows: 10 }) {
  const screen = terminal(size);
  ({ shell } = await makeShell({ files, options: { interactive: true, name: 'bash' } }));
  const controller = new AbortController();
  const code = shell.run(script, screen.stdio, controller.signal);
  return { ...screen, code, abort: () => controller.abort() };
}

describe('less', () => {
  test.each(['less long.txt', 'cat long.txt | less', 'grep line long.txt | more'])('%s', async (script) => {
    const screen = await start(script);
    await screen.until('line 9\x1b[m');
    expect(screen.isRaw()).toBe(true);
    await screen.type(' ');
    await screen.until('line 18\x1b[m');
    await screen.type('b');
    await screen.until('\x1b[Hline 1\x1b[m');
    await screen.type('/needle\r');
    await screen.until('\x1b[Hline 70 \x1b[7mneedle');
    await screen.type('/nothere\r');
    await screen.until('Pattern not found');
    await screen.type('G');
    await screen.until('(END)');
    await screen.type('q');
    await screen.until('\x1b[?1049l');
    expect(await screen.code).toBe(0);
    expect(screen.isRaw()).toBe(false);
  });

  test('copies where there is no screen', async () => {
    const screen = await start('less long.txt | head -2 > out; cat out');
    await screen.until('line 1\nline 2\n');
    expect(await screen.code).toBe(0);
  });
});

describe('watch', () => {
  test('draws frames that fit, and leaves the screen as it was', async () => {
    const screen = await start("n=0; watch -n 0.1 'date +%N; seq 30'", { columns: 70, rows: 6 });
    const first = await screen.until('\x1b[J');
    expect(first).toContain('\x1b[?1049h');
    expect(first).toContain('Every 0.1s:');
    expect(first.split('\r\n')).toHaveLength(6);
    await screen.until('\x1b[J');
    screen.abort();
    await screen.until('\x1b[?1049l');
    expect(await screen.code).toBe(130);
  });
});

describe('on a terminal', () => {
  test('ls writes columns and a pipe gets lines', async () => {
    const screen = await start('touch a b c; ls; ls | cat');
    expect(await screen.until('c\nlong.txt\n')).toBe('a  b  c  long.txt\na\nb\nc\nlong.txt\n');
  });

  test('tests know it', async () => {
    const screen = await start(
      '[ -t 0 ] && [ -t 1 ] && echo yes; [ -t 1 ] | cat; echo ${PIPESTATUS[0]}; echo x | { [ -t 0 ] || echo pipe; }',
    );
    await screen.until('yes\n1\npipe\n');
  });

  test('read takes lines, and keys without echo', async () => {
    const screen = await start('read -p "name? " n; read -s -p "secret? " s; echo "<$n:$s>"; read -n 1 k; echo "[$k]"');
    await screen.until('name? ');
    await screen.type('ada\n');
    await screen.until('secret? ');
    await wait(1);
    expect(screen.isRaw()).toBe(true);
    await screen.type('pw\r');
    await screen.until('<ada:pw>');
    await screen.type('y');
    await screen.until('[y]');
    expect(await screen.code).toBe(0);
  });

  test('bash in bash prompts and ends', async () => {
    const screen = await start('bash; echo left');
    await screen.until('bash-5.2$ ');
    await screen.type('x=1; if true\n');
    await screen.until('> ');
    await screen.type('then echo "x is $x"; fi\n');
    await screen.until('x is 1\nbash-5.2$ ');
    await screen.type('nope\n');
    await screen.until('bash: nope: command not found\n');
    await screen.type('exit\n');
    await screen.until('left\n');
    expect(await screen.code).toBe(0);
  });
});
