import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AcademyError, messageOf } from '#base/errors.ts';
import type { StepEvent } from '#cluster/driver.ts';
import type { FromWorker } from '#server/sessions/channel.ts';
import { LabSource } from '#server/sessions/lab-source.ts';
import { ensureBuilt } from '../build/build.ts';
import { LabProcess } from '../prove/lab-process.ts';
import { ROOT } from '../root.ts';
import { type Look, panelLines } from '../try/panel.ts';
import { frame, PromptLine } from '../try/screen.ts';

const PROMPT = '$ ';
/** Lines of output that are kept. */
const KEEP_LINES = 500;
/** The least and the most time that is given to the world to come to rest when the input has ended, ms. */
const REST_MS = [2_000, 10_000] as const;
/** The panel is drawn this often at most, ms. */
const DRAW_EVERY_MS = 100;

/**
 * `academy try <lab> [--script FILE]`: one session of the lab and the author's panel: every task, its evidence and its
 * timing, drawn anew as they change. A line typed below is run in the learner's shell. Without a terminal it prints the
 * panel whenever a verdict changed and reads lines from its input; there it ends with the input.
 */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { script: { type: 'string' } },
  });
  const [id] = positionals;
  if (!id) throw new AcademyError('request/invalid', 'Try which lab? academy try <lab> [--script FILE]');
  const lab = await new LabSource(join(ROOT, 'labs')).load(id);
  const script = values.script === undefined ? undefined : await readFile(values.script, 'utf8');
  const { workerEntry } = await ensureBuilt((line) => console.log(line), ['worker']);

  const steps = new Map<string, StepEvent>();
  const looks = new Map<string, Look>();
  let aheadMs = 0;
  let changed = () => {};
  const session = new LabProcess(lab, {
    entry: workerEntry,
    driver: 'embedded',
    tellLooks: true,
    onMessage(message: FromWorker) {
      if (message.type === 'step') steps.set(message.step.step, message.step);
      else if (message.type === 'looked') looks.set(message.task, message);
      else if (message.type === 'clock') aheadMs = message.aheadMs;
      // A moment later the process itself has taken the message in.
      setImmediate(changed);
    },
  });
  const output: string[] = [];
  const print = (text: string) => {
    output.push(...text.replace(/\n$/, '').split('\n'));
    output.splice(0, output.length - KEEP_LINES);
    changed();
  };
  const panel = (columns: number) =>
    panelLines(
      {
        title: `${id}: ${lab.definition.title}`,
        steps: [...steps.values()],
        tasks: session.tasks,
        looks,
        now: Date.now() + aheadMs,
      },
      columns,
    );
  let queue = session.ready();
  queue.catch(() => {});
  /** Runs a script after those before it. */
  const enqueue = (text: string, shown: string) => {
    queue = queue.then(async () => {
      const answered = /^# answer ([a-z0-9-]+): *(.+)$/.exec(text);
      if (answered) return session.answer(answered[1]!, answered[2]!);
      print(`${PROMPT}${shown}`);
      try {
        const { code, output: printed } = await session.run(text);
        print(`${printed}${code === 0 ? '' : `\n(ended with ${code})`}`);
      } catch (error) {
        print(`could not be run: ${messageOf(error)}`);
      }
    });
  };
  if (script !== undefined) enqueue(script, `bash ${values.script}`);
  try {
    const screen = process.stdout.isTTY && process.stdin.isTTY ? onTerminal : onPipes;
    const idle = () => queue.then(() => session.settled(...REST_MS, () => false));
    const ended = screen({ panel, output, enqueue, idle, onChange: (listener) => (changed = listener) });
    changed();
    await Promise.race([ended, session.ready().then(() => ended)]);
    return 0;
  } finally {
    changed = () => {};
    await session.stop();
  }
}

interface Surface {
  panel(columns: number): string[];
  output: string[];
  enqueue(script: string, shown: string): void;
  /** Resolves when everything that was asked for so far has run, and no verdict is about to change. */
  idle(): Promise<void>;
  onChange(listener: () => void): void;
}

/** Draws the panel on the whole screen; resolves at Ctrl-C. */
async function onTerminal({ panel, output, enqueue, onChange }: Surface): Promise<void> {
  const { stdin, stdout } = process;
  const prompt = new PromptLine();
  let timer: NodeJS.Timeout | undefined;
  const draw = () => {
    timer = undefined;
    const { columns, rows } = stdout;
    stdout.write(
      frame(
        panel(columns),
        output.map((line) => line.slice(0, columns)),
        PROMPT + prompt.text,
        rows,
      ),
    );
  };
  const later = () => {
    timer ??= setTimeout(draw, DRAW_EVERY_MS);
  };
  onChange(later);
  stdout.on('resize', later);
  stdout.write('\x1b[?1049h');
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  try {
    await new Promise<void>((end) => {
      stdin.on('data', (data: string) => {
        for (const key of prompt.take(data)) {
          if ('end' in key) return end();
          if (key.line.trim() !== '') enqueue(key.line, key.line);
        }
        draw();
      });
    });
  } finally {
    clearTimeout(timer);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write('\x1b[?1049l');
  }
}

/** Prints the panel when a verdict changed; resolves when the input has ended, what was asked for has run, and the world rests. */
async function onPipes({ panel, output, enqueue, idle, onChange }: Surface): Promise<void> {
  let shown = '';
  onChange(() => {
    for (const line of output.splice(0)) console.log(line);
    // Timing changes with every look and is no news by itself.
    const news = panel(160).map((line) => line.replace(/, looked .*$/, ''));
    if (news.join('\n') === shown) return;
    shown = news.join('\n');
    console.log(`\n${panel(160).join('\n')}\n`);
  });
  const stop = new Promise<void>((end) => process.once('SIGINT', end).once('SIGTERM', end));
  const typed = (async () => {
    let rest = '';
    for await (const chunk of process.stdin) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop()!;
      for (const line of lines) if (line.trim() !== '') enqueue(line, line);
    }
    await idle();
  })();
  await Promise.race([stop, typed]);
  process.stdin.destroy();
}
