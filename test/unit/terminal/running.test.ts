import { describe, expect, it } from 'vitest';
import type { Stdio } from '../../../src/shell/stdio.ts';
import { desk } from './desk.ts';

/** `cat`: prints every line it is given. */
const cat = async (_script: string, { stdin, stdout }: Stdio, signal: AbortSignal) => {
  try {
    for (let chunk = await stdin.read(signal); chunk; chunk = await stdin.read(signal)) await stdout.write(chunk);
    return 0;
  } catch {
    return 130;
  }
};
const forever = (_script: string, _stdio: Stdio, signal: AbortSignal) =>
  new Promise<number>((resolve) => signal.addEventListener('abort', () => resolve(130)));

const COOKED: [name: string, keys: string, screen: string][] = [
  ['shows what is typed and hands over lines', 'cat<Enter>one<Enter>two<Enter>', '$ cat\none\none\ntwo\ntwo'],
  ['Ctrl-D ends the input', 'cat<Enter>one<Enter><C-d>', '$ cat\none\none\n$'],
  ['Ctrl-D after text hands it over', 'cat<Enter>one<C-d>', '$ cat\noneone'],
  [
    'Backspace, Ctrl-W and Ctrl-U',
    'cat<Enter>abc<Backspace>d e f<C-w>g<Enter>xx<C-u>y<Enter>',
    '$ cat\nabd e g\nabd e g\ny\ny',
  ],
  ['Backspace over a wide character', 'cat<Enter>a網<Backspace>b<Enter>', '$ cat\nab\nab'],
  ['Ctrl-C ends it', 'cat<Enter>half<C-c>', '$ cat\nhalf^C\n[130]$'],
  ['arrows are shown as a kernel shows them', 'cat<Enter>a<Up>', '$ cat\na^[[A'],
  [
    'Ctrl-Z is refused with a reason',
    'cat<Enter><C-z>',
    '$ cat\n\nStopping a program with Ctrl-Z is not po\nssible here: end it with Ctrl-C, or open\n a second terminal.',
  ],
];

describe('a program that runs', () => {
  it.each(COOKED)('%s', async (_name, keys, screen) => {
    const at = await desk({ run: cat });
    for (const part of keys.split(/(?<=<Enter>)/)) await at.type(part);
    expect(at.screen()).toBe(screen);
  });

  it('reads what came with the command line', async () => {
    const at = await desk({ run: cat });
    await at.type('cat<Enter>one<Enter><C-d>pwd');
    expect(at.screen()).toBe('$ cat\none\none\n$ pwd');
  });

  it('leaves what it did not read to the prompt', async () => {
    let end: (code: number) => void = () => {};
    const at = await desk({
      run: (script) => (script === 'wait' ? new Promise<number>((resolve) => (end = resolve)) : Promise.resolve(0)),
    });
    await at.type('wait<Enter>pwd<Enter>ech');
    end(0);
    await at.settle();
    expect(at.ran).toEqual(['wait', 'pwd']);
    expect(at.screen()).toBe('$ wait\n$ pwd\n$ ech');
  });

  it('is aborted by Ctrl-C, and loses the terminal at a second one when it does not end', async () => {
    const at = await desk({
      run: (script) => (script === 'stuck' ? new Promise<number>(() => {}) : Promise.resolve(0)),
    });
    await at.type('stuck<Enter>');
    await at.type('<C-c>');
    expect(at.screen()).toBe('$ stuck\n^C');
    await at.type('<C-c>');
    expect(at.screen()).toBe('$ stuck\n^C\n^C\n[130]$');
    await at.type('ls<Enter>');
    expect(at.ran).toEqual(['stuck', 'ls']);
  });

  it('gets keys as they are typed in raw mode, and the mode ends with it', async () => {
    const got: string[] = [];
    const at = await desk({
      run: async (script, { stdin, tty }, signal) => {
        if (script !== 'raw') return cat(script, { stdin, tty } as Stdio, signal);
        tty!.setRaw();
        for (let chunk = await stdin.read(signal); chunk; chunk = await stdin.read(signal)) {
          got.push(Buffer.from(chunk).toString());
          if (got.at(-1) === 'q') return 0;
        }
        return 1;
      },
    });
    await at.type('raw<Enter>');
    await at.type('a');
    await at.type('<C-c>');
    await at.type('<Up>');
    await at.type('q');
    expect(got).toEqual(['a', '\x03', '\x1b[A', 'q']);
    expect(at.screen()).toBe('$ raw\n$');
    await at.type('ab<C-a>x');
    expect(at.screen()).toBe('$ raw\n$ xab');
  });

  it('learns the size of its terminal, and when that changes', async () => {
    const sizes: string[] = [];
    const at = await desk({
      run: async (_script, { tty }, signal) => {
        sizes.push(`${tty!.size.columns}x${tty!.size.rows}`);
        tty!.onResize(({ columns, rows }) => sizes.push(`${columns}x${rows}`));
        return forever('', {} as Stdio, signal);
      },
    });
    await at.type('top<Enter>');
    await at.resize(60, 20);
    expect(sizes).toEqual(['40x12', '60x20']);
  });

  it('begins the prompt on a row of its own', async () => {
    const at = await desk({
      run: async (_script, { stdout }) => {
        await stdout.write('no newline\x1b[0m');
        return 7;
      },
    });
    await at.type('printf<Enter>');
    expect(at.screen()).toBe('$ printf\nno newline\n[7]$');
  });

  it('hears a notice between its lines, and after a full screen', async () => {
    const at = await desk({
      run: async (script, { tty, stdin, stdout }, signal) => {
        if (script === 'raw') tty!.setRaw();
        await stdout.write('part');
        await stdin.read(signal).catch(() => {});
        return 0;
      },
    });
    await at.type('plain<Enter>');
    at.terminal.notice('soon');
    await at.settle();
    expect(at.screen()).toBe('$ plain\npart\nsoon');
    await at.type('<Enter>raw<Enter>');
    at.terminal.notice('later');
    await at.settle();
    expect(at.screen()).not.toContain('later');
    await at.type('q');
    expect(at.screen()).toMatch(/part\nlater\n\$$/);
  });

  it('prints from the background above the line', async () => {
    let stdout: Stdio['stdout'] | undefined;
    const at = await desk({
      run: async (_script, stdio) => {
        stdout = stdio.stdout;
        return 0;
      },
    });
    await at.type('job &<Enter>');
    await at.type('half');
    await stdout?.write('done\n');
    await at.settle();
    expect(at.screen()).toBe('$ job &\ndone\n$ half');
    await at.type(' more');
    expect(at.screen()).toBe('$ job &\ndone\n$ half more');
  });

  it('that prints without end waits for the page, and Ctrl-C still gets through', async () => {
    const at = await desk({
      run: async (_script, { stdout }, signal) => {
        while (!signal.aborted) await stdout.write('y\n');
        return 130;
      },
    });
    at.terminal.input('yes\r');
    // More than goes out at once: from here on it has to wait.
    await expect.poll(() => at.raw().length).toBeGreaterThan(0.6 * 1024 * 1024);
    at.terminal.input('\x03');
    await at.settle();
    await expect.poll(() => at.screen()).toMatch(/\^C\n(y\n)?\[130\]\$$/);
    // Half a MiB at once and 2 MiB a second: far less than what a loop can print.
    expect(at.raw().length).toBeLessThan(1.5 * 1024 * 1024);
  });

  it('that prints without end in the background leaves room for typing', async () => {
    let ends = false;
    const at = await desk({
      run: async (script, { stdout }) => {
        if (script === 'yes &')
          void (async () => {
            while (!ends) await stdout.write('y\n');
          })();
        return 0;
      },
    });
    at.terminal.input('yes &\r');
    await expect.poll(() => at.raw().length).toBeGreaterThan(0.6 * 1024 * 1024);
    at.terminal.input('kill %1\r');
    await expect.poll(() => at.ran).toEqual(['yes &', 'kill %1']);
    ends = true;
    expect(at.raw().length).toBeLessThan(2 * 1024 * 1024);
  });
});
