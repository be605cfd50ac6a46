import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { WallClock } from '#base/clock.ts';
import type { Box } from '#cluster/desk.ts';
import { Screens } from '#cluster/toolbox/screens.ts';

it('a terminal that is opened is told of first, and then what it prints, in its order', async () => {
  let number = 0;
  const answer = (...lines: string[]) => {
    number += 1;
    return [`%begin 1 ${number} 1`, ...lines, `%end 1 ${number} 1`, ''].join('\n');
  };
  // The shell prints before its pane is known here, and once more when its size changes.
  const answers: [RegExp, () => string][] = [
    [/^list-windows/, () => answer('@0 %0 keeper')],
    [/^new-window/, () => `${answer('@1 %1')}%output %1 first,\n`],
    [/^resize-window/, () => `%output %1 second\n${answer()}`],
  ];
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      for (const [command, say] of answers) if (command.test(String(chunk))) setImmediate(() => this.push(say()));
      done();
    },
  });
  const box: Box = {
    kubeconfig: '',
    run: async () => ({ code: 0, stdout: '', stderr: '' }),
    stream: async () => stream,
    revive: async () => {},
  };
  const told: string[] = [];
  const screens = new Screens({
    box,
    wall: new WallClock(),
    onOpened: (terminal) => told.push(`opened ${terminal}: `),
    onOutput: (_terminal, data) => told.push(data),
    onClosed: () => {},
    onBroken: () => {},
  });
  await screens.connect();
  await screens.open('shell-1', { columns: 100, rows: 30 });
  await expect.poll(() => told.join(''), { timeout: 5_000 }).toBe('opened shell-1: first,second');
  screens.disconnect();
});
