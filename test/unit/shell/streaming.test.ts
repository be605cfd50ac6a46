import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Command } from '#shell/command.ts';
import { createPipe, isBrokenPipe, readerOf } from '#shell/pipe.ts';
import type { Shell } from '#shell/shell.ts';
import { makeShell, runIn } from './world.ts';

let shell: Shell | undefined;
afterEach(() => shell?.close());

/** A program that writes a line whenever the test says so: `kubectl get -w`. */
function source(): {
  command: Command;
  emit(line: string): Promise<void>;
  end(): void;
  seen: { aborted: boolean; broken: boolean; written: number };
} {
  const { reader, writer } = createPipe();
  const seen = { aborted: false, broken: false, written: 0 };
  return {
    seen,
    emit: (line) => writer.write(`${line}\n`),
    end: () => writer.end(),
    command: {
      name: 'watcher',
      execute: async (context) => {
        context.signal.addEventListener('abort', () => {
          seen.aborted = true;
        });
        try {
          for (let chunk = await reader.read(context.signal); chunk; chunk = await reader.read(context.signal)) {
            await context.stdout.write(chunk);
            seen.written += chunk.length;
          }
        } catch (error) {
          seen.broken = isBrokenPipe(error);
          throw error;
        }
        return 0;
      },
    },
  };
}

/** Starts a script and reads its output as it comes. */
function start(target: Shell, script: string, stdin = readerOf('')) {
  const { reader, writer } = createPipe();
  const controller = new AbortController();
  let text = '';
  const code = target
    .run(script, { stdin, stdout: writer, stderr: writer }, controller.signal)
    .finally(() => writer.end());
  return {
    code,
    reader,
    abort: () => controller.abort(),
    /** Reads until the output holds this text. */
    async until(wanted: string): Promise<string> {
      while (!text.includes(wanted)) {
        const chunk = await reader.read();
        if (!chunk) throw new Error(`the output ended without ${JSON.stringify(wanted)}: ${JSON.stringify(text)}`);
        text += Buffer.from(chunk).toString('utf8');
      }
      return text;
    },
  };
}

describe('output is written as it is made', () => {
  test.each([
    ['grep --line-buffered keep', 'keep 1', 'keep 1\n'],
    ['cat', 'keep 1', 'keep 1\n'],
    ['tee log', 'keep 1', 'keep 1\n'],
    ["sed 's/keep/kept/'", 'keep 1', 'kept 1\n'],
    ["awk '{print $2}'", 'keep 1', '1\n'],
    ["cut -d' ' -f2", 'keep 1', '1\n'],
    ['tr a-z A-Z', 'keep 1', 'KEEP 1\n'],
    ["jq -r '.a'", '{"a": "x"}', 'x\n'],
    ['while read -r a b; do echo "$b:$a"; done', 'keep 1', '1:keep\n'],
  ])('watcher | %s', async (filter, line, wanted) => {
    const from = source();
    ({ shell } = await makeShell({ commands: [from.command] }));
    const running = start(shell, `watcher | ${filter}`);
    await from.emit(line);
    expect(await running.until(wanted)).toBe(wanted);
    from.end();
    expect(await running.code).toBe(0);
  });

  test('a loop shows each turn, and tee writes its file meanwhile', async () => {
    const made = await makeShell();
    shell = made.shell;
    const running = start(shell, 'n=0; while true; do n=$((n+1)); echo turn $n; sleep 0.005; done | tee log');
    await running.until('turn 3');
    expect(await made.fs.readFile('/home/learner/log')).toContain('turn 2');
    running.abort();
    expect(await running.code).toBe(130);
  });

  test('tail -f follows a file that grows', async () => {
    const made = await makeShell({ files: { log: 'old\n' } });
    shell = made.shell;
    const running = start(shell, 'tail -f log | grep --line-buffered -v skip');
    await running.until('old\n');
    await made.fs.appendFile('/home/learner/log', 'skip\nnew\n');
    expect(await running.until('new\n')).toBe('old\nnew\n');
    running.abort();
    expect(await running.code).toBe(130);
  });
});

describe('pipes', () => {
  test('a reader that leaves ends the writer at its next write', async () => {
    const from = source();
    ({ shell } = await makeShell({ commands: [from.command] }));
    const running = start(shell, 'set -o pipefail; watcher | head -1; echo "${PIPESTATUS[@]}"');
    await from.emit('one');
    await running.until('one\n');
    // The pipe may take a line or two before head has gone.
    for (let i = 0; !from.seen.broken && i < 100; i++) {
      await from.emit('more');
      await wait(1);
    }
    expect(await running.until('\n141 0\n')).toContain('141 0');
    expect(from.seen).toMatchObject({ broken: true, aborted: true });
    expect(await running.code).toBe(0);
  });

  test('endless writers end with their readers', async () => {
    ({ shell } = await makeShell());
    expect(
      await runIn(
        shell,
        'yes | head -3; while :; do echo x; done | head -2; while true; do date +%Y; done | head -1 | wc -l',
      ),
    ).toMatchObject({
      stdout: 'y\ny\ny\nx\nx\n1\n',
      code: 0,
    });
  });

  test('a slow reader holds the writer back', async () => {
    const from = source();
    ({ shell } = await makeShell({ commands: [from.command] }));
    const running = start(shell, 'watcher');
    let sent = 0;
    const flood = (async () => {
      for (; sent < 100; sent++) await from.emit('x'.repeat(10_000));
    })();
    await wait(30);
    // Two pipes of 64 KiB and what is on its way: far less than the million bytes that wait.
    expect(sent).toBeLessThan(30);
    for (let left = 100 * 10_001; left > 0; ) left -= (await running.reader.read())?.length ?? left;
    await flood;
    from.end();
    expect(await running.code).toBe(0);
  });

  test('what one command leaves of its input, the next one finds', async () => {
    ({ shell } = await makeShell());
    expect((await runIn(shell, 'head -1; read x; echo "<$x>"; cat', 'a\nb\nc\nd\n')).stdout).toBe('a\n<b>\nc\nd\n');
  });
});

describe('interruption', () => {
  test.each([
    'while :; do :; done',
    'while true; do x=$((x+1)); done',
    'for ((;;)); do :; done',
    'f() { f2; }; f2() { while :; do true; done; }; f',
    'sleep 100',
    'cat',
    'read x',
    'yes > /dev/null',
    'sleep 100 | cat | cat',
    'x=$(sleep 100)',
    '(sleep 100)',
    'sleep 100 & wait',
    'timeout 100 sleep 50',
    'echo a | xargs -I{} sleep 100',
    'watch -n1 true',
    'until false; do sleep 0.001; done',
    'cat < <(sleep 100)',
    'trap "" TERM; while :; do sleep 100; done',
  ])('%s', async (script) => {
    ({ shell } = await makeShell());
    const { reader, writer } = createPipe();
    const controller = new AbortController();
    const quiet = createPipe();
    const code = shell.run(
      `echo go; ${script}`,
      { stdin: quiet.reader, stdout: writer, stderr: writer },
      controller.signal,
    );
    await reader.read();
    // The event loop still turns while the loop runs.
    for (let i = 0; i < 3; i++) await wait(5);
    const start = performance.now();
    controller.abort();
    expect(await code).toBe(130);
    expect(performance.now() - start).toBeLessThan(500);
  });

  test('a program that does not listen is left behind, and its output with it', async () => {
    let release: () => void = () => {};
    const deaf: Command = {
      name: 'deaf',
      execute: async ({ stdout }) => {
        await stdout.write('started\n');
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        await stdout.write('too late\n').catch(() => {});
        return 0;
      },
    };
    ({ shell } = await makeShell({ commands: [deaf] }));
    const running = start(shell, 'deaf');
    await running.until('started');
    running.abort();
    expect(await running.code).toBe(130);
    release();
    expect((await runIn(shell, 'echo next')).stdout).toBe('next\n');
  });

  test('the shell goes on after Ctrl-C, with its variables and directory', async () => {
    ({ shell } = await makeShell({ options: { interactive: true } }));
    await runIn(shell, 'cd /tmp; x=1; f() { echo f$x; }');
    const controller = new AbortController();
    const run = runIn(shell, 'x=2; sleep 100', '', controller.signal);
    await wait(10);
    controller.abort();
    expect((await run).code).toBe(130);
    expect(await runIn(shell, 'echo $? $x; pwd; f')).toMatchObject({ stdout: '130 2\n/tmp\nf2\n', code: 0 });
    expect(shell.exit).toBeUndefined();
  });

  test('a script runs its INT and EXIT traps', async () => {
    ({ shell } = await makeShell());
    const running = start(shell, 'trap "echo int" INT; trap "echo exit" EXIT; echo go; sleep 100; echo never');
    await running.until('go\n');
    running.abort();
    expect(await running.until('exit\n')).toBe('go\nint\nexit\n');
    expect(await running.code).toBe(130);
  });

  test('TERM reaches the trap of a container that waits', async () => {
    ({ shell } = await makeShell());
    const running = start(shell, 'trap "echo draining; exit 0" TERM; echo up; sleep 1000 & wait $!; echo never');
    await running.until('up\n');
    shell.kill('TERM');
    expect(await running.until('draining')).toBe('up\ndraining\n');
    expect(await running.code).toBe(0);
    expect(shell.exit).toBe(0);
  });

  test('TERM without a trap ends the run', async () => {
    ({ shell } = await makeShell());
    const running = start(shell, 'echo up; while true; do sleep 0.01; done');
    await running.until('up\n');
    shell.kill('SIGTERM');
    expect(await running.code).toBe(143);
  });

  test('two busy shells share the thread', async () => {
    const one = await makeShell();
    const two = await makeShell();
    const [a, b] = [start(one.shell, 'while :; do :; done'), start(two.shell, 'while :; do :; done')];
    // Timers fire while both spin.
    for (let i = 0; i < 4; i++) await wait(5);
    a.abort();
    b.abort();
    expect(await Promise.all([a.code, b.code])).toEqual([130, 130]);
    one.shell.close();
    two.shell.close();
  });
});

describe('jobs', () => {
  test('a prompt tells start and end', async () => {
    ({ shell } = await makeShell({ options: { interactive: true, name: 'bash' } }));
    const first = await runIn(shell, 'sleep 0.02 &');
    expect(first.stderr).toMatch(/^\[1\] \d+\n$/);
    expect((await runIn(shell, 'jobs')).stdout).toBe(`[1]+  Running                 sleep 0.02 &\n`);
    const done = await runIn(shell, 'sleep 0.1');
    expect(done.stderr).toBe('[1]+  Done                    sleep 0.02\n');
    expect((await runIn(shell, 'jobs')).stdout).toBe('');
  });

  test('jobs outlive a run, are killed by number and end with the shell', async () => {
    const from = source();
    ({ shell } = await makeShell({ commands: [from.command], options: { interactive: true } }));
    await runIn(shell, 'watcher > /dev/null & sleep 1000 &');
    expect((await runIn(shell, 'kill %2; wait %2; echo $?')).stdout).toBe('143\n');
    expect(from.seen.aborted).toBe(false);
    shell.close();
    await wait(1);
    expect(from.seen.aborted).toBe(true);
  });
});

describe('limits', () => {
  test('endless recursion ends with a message', async () => {
    ({ shell } = await makeShell());
    const { stderr, code } = await runIn(shell, 'f() { f; }; f; echo never');
    expect(stderr).toContain('maximum nesting level exceeded');
    expect(code).not.toBe(0);
    expect((await runIn(shell, 'f() { $(f); }; f')).stderr).toContain('Resource temporarily unavailable');
  });

  test('values, braces and jobs are bounded', async () => {
    ({ shell } = await makeShell());
    expect((await runIn(shell, 'x=aaaaaaaa; while :; do x=$x$x; done')).stderr).toContain('longer than 16 MiB');
    expect((await runIn(shell, 'echo {1..9999999}')).stderr).toContain('brace expansion');
    expect((await runIn(shell, 'x=$(yes)')).stderr).toContain('larger than 16 MiB');
    expect((await runIn(shell, 'while :; do sleep 100 & done')).stderr).toContain('fork: retry');
  });

  test('no way leads to JavaScript', async () => {
    ({ shell } = await makeShell());
    const { stderr } = await runIn(shell, 'js-exec "1"; node -e 1; python3 -c 1; sqlite3');
    expect(stderr.match(/command not found/g)).toHaveLength(4);
  });
});

describe('the prompt', () => {
  test.each([
    ["echo 'a", true],
    ['echo "a', true],
    ['if true; then', true],
    ['for i in 1 2', true],
    ['for i in 1 2; do echo', true],
    ['f() {', true],
    ['case x in', true],
    ['cat <<EOF\nline', true],
    ['cat <<EOF\nline\nEOF', false],
    ['echo a \\', true],
    ['echo a &&', true],
    ['echo a |', true],
    ['echo $(date', true],
    ['echo ${x', true],
    ['( echo', true],
    ['f() { cat <<EOF', true],
    ['f() { cat <<EOF\nx', true],
    ['f() { cat <<EOF\nx\nEOF\n}', false],
    ['echo $((1 +', true],
    ['echo $((1 + 2))', false],
    ['[[ a', true],
    ['echo a', false],
    ['fi', false],
    ['echo a; done', false],
    ['', false],
    ['# comment \\', false],
    ['echo a \\\\', false],
  ])('%j incomplete: %j', async (text, expected) => {
    ({ shell } = await makeShell());
    await runIn(shell, ':');
    expect(shell.isIncomplete(text)).toBe(expected);
  });

  test('errors have no line, and do not end the shell', async () => {
    ({ shell } = await makeShell({ options: { interactive: true, name: 'bash' } }));
    expect(await runIn(shell, 'foo')).toEqual({ stdout: '', stderr: 'bash: foo: command not found\n', code: 127 });
    expect((await runIn(shell, 'fi')).stderr).toBe("bash: syntax error near unexpected token `fi'\n");
    expect(await runIn(shell, 'set -u; echo $nope; echo after')).toEqual({
      stdout: '',
      stderr: 'bash: nope: unbound variable\n',
      code: 1,
    });
    expect(shell.exit).toBeUndefined();
    await runIn(shell, 'exit 3');
    expect(shell.exit).toBe(3);
  });

  test('aliases expand, also through pipes', async () => {
    ({ shell } = await makeShell({ options: { interactive: true } }));
    await runIn(shell, `alias k='echo kubectl' kg='k get' count='grep -c'`);
    expect((await runIn(shell, 'kg pods -n x; k a | count kubectl')).stdout).toBe('kubectl get pods -n x\n1\n');
    expect(shell.names().aliases).toEqual(['count', 'k', 'kg']);
  });
});

describe('in a container', () => {
  const shellOf = (name: string): Command => ({
    name,
    execute: () => Promise.reject(new Error('the shell runs its own')),
  });

  test('process 1 hears only the signals that it handles, and its children all', async () => {
    ({ shell } = await makeShell({ options: { pid: 1, name: 'sh' } }));
    const running = start(
      shell,
      'echo $$; sleep 1000 & kill $!; wait $!; echo $?; trap "echo term; exit 4" TERM; echo ready; while :; do sleep 0.01; done',
    );
    await running.until('1\n143\nready\n');
    shell.kill('HUP');
    shell.kill('TERM');
    await running.until('term\n');
    expect(await running.code).toBe(4);
  });

  test('only the shells of the image exist', async () => {
    ({ shell } = await makeShell({ commands: [shellOf('sh')], options: { name: 'sh' } }));
    const { stdout, stderr } = await runIn(
      shell,
      "sh -c 'echo in sh'; /bin/sh -c 'echo too'; bash -c true; echo 'read x; echo got $x\nline' | sh",
    );
    expect(stdout).toBe('in sh\ntoo\ngot line\n');
    expect(stderr).toBe('sh: line 1: bash: command not found\n');
  });
});
