import { readFileSync } from 'node:fs';
import { TestLearner, type TestPage } from '../support/academy.ts';
import { AcademyProcess } from '../support/academy-process.ts';
import { type Figure, percentile } from './figure.ts';

const LAB = 'default-deny';
const STARTS = 50;
const KEYS_A_SESSION = 20;

/** Start lab to a usable prompt, memory a session, and the echo of a keystroke while all of them are open. */
export async function measure(): Promise<Figure[]> {
  const academy = await AcademyProcess.start();
  const pages: TestPage[] = [];
  try {
    await open(academy, pages);
    const rssBefore = memoryMib(academy.pid);
    const starts: number[] = [];
    for (let i = 0; i < STARTS; i++) {
      starts.push(await open(academy, pages));
      // The next learner comes when this one's lab stands; a queue of starts would measure the queue.
      await pages.at(-1)!.until(() => pages.at(-1)!.session?.state === 'ready', 60_000, 'the lab');
    }
    const rssAfter = memoryMib(academy.pid);
    const echoes: number[] = [];
    for (let round = 0; round < KEYS_A_SESSION; round++)
      for (const page of pages) echoes.push(await echo(page, String.fromCharCode(97 + (round % 26))));
    return [
      { what: `Start lab to a prompt, p95 of ${STARTS}`, value: percentile(starts, 0.95), unit: 'ms', bar: 300 },
      { what: 'Start lab to a prompt, median', value: percentile(starts, 0.5), unit: 'ms' },
      { what: 'memory a session, lab running', value: (rssAfter - rssBefore) / STARTS, unit: 'MiB', bar: 30 },
      {
        what: `echo of a keystroke, ${pages.length} sessions open, p99`,
        value: percentile(echoes, 0.99),
        unit: 'ms',
        bar: 30,
      },
      { what: 'echo of a keystroke, median', value: percentile(echoes, 0.5), unit: 'ms' },
    ];
  } finally {
    for (const page of pages) page.close();
    await academy.stop();
  }
}

async function open(academy: AcademyProcess, pages: TestPage[]): Promise<number> {
  const learner = new TestLearner(academy);
  const began = performance.now();
  await learner.startLab(LAB);
  const page = learner.connect(LAB);
  pages.push(page);
  await page.openTerminal();
  return performance.now() - began;
}

async function echo(page: TestPage, key: string): Promise<number> {
  const before = page.raw().length;
  const began = performance.now();
  page.type(key);
  await page.until(() => page.raw().length > before, 10_000, 'the echo');
  return performance.now() - began;
}

/** Resident memory of a process, from the kernel. */
function memoryMib(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}
