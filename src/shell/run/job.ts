import { nullFile } from '../files.ts';
import { ShellError } from '../flow.ts';
import type { Job, ShellProcess } from '../process.ts';
import type { StatementNode } from '../syntax/tree.ts';
import { runChild } from './child.ts';
import { runStatements } from './statement.ts';

/** Most jobs of a shell that run at once; a fork bomb ends here. */
const MOST_JOBS = 200;

/** Starts a statement in the background. */
export async function startJob(sh: ShellProcess, statement: StatementNode): Promise<number> {
  sh.jobs = sh.jobs.filter((job) => job.status === undefined || !job.told);
  const running = sh.jobs.filter((job) => job.status === undefined).length;
  if (running >= MOST_JOBS)
    throw new ShellError('fork: retry: Resource temporarily unavailable', { fatal: true, status: 254 });
  const child = sh.fork({ detached: true });
  child.fds.put(0, nullFile());
  child.conditions = 0;
  const text = (statement.sourceText ?? '').trim().replace(/\s*&$/, '');
  const body = { ...statement, background: false };
  const done = runChild(child, () => runStatements(child, [body]));
  const job: Job = {
    number: Math.max(0, ...sh.jobs.map((each) => each.number)) + 1,
    pid: child.pid,
    text,
    status: undefined,
    done,
    process: child,
    told: false,
  };
  void done.then((status) => {
    job.status = status;
  });
  sh.jobs.push(job);
  sh.lastBackgroundPid = child.pid;
  if (sh.world.interactive && sh.subshell === 0) await sh.err(`[${job.number}] ${job.pid}\n`);
  sh.status = 0;
  return 0;
}

/** A job by `%1`, `%%`, `%+`, `%-`, `%name`, or its process id. */
export function findJob(sh: ShellProcess, text: string): Job | undefined {
  if (!text.startsWith('%')) return sh.jobs.findLast((job) => String(job.pid) === text);
  const name = text.slice(1);
  if (name === '' || name === '%' || name === '+') return sh.jobs.findLast((job) => !job.told);
  if (name === '-') return sh.jobs.filter((job) => !job.told).at(-2);
  if (/^\d+$/.test(name)) return sh.jobs.find((job) => job.number === Number(name));
  return sh.jobs.find((job) => (name.startsWith('?') ? job.text.includes(name.slice(1)) : job.text.startsWith(name)));
}

/** `Running`, `Done`, `Exit 3`, `Terminated`. */
export function jobState(job: Job): string {
  if (job.status === undefined) return 'Running';
  if (job.status === 0) return 'Done';
  return { 129: 'Hangup', 130: 'Interrupt', 137: 'Killed', 143: 'Terminated' }[job.status] ?? `Exit ${job.status}`;
}

/** One line of `jobs`. */
export function jobLine(sh: ShellProcess, job: Job, long = false): string {
  const open = sh.jobs.filter((each) => !each.told || each === job);
  const mark = job === open.at(-1) ? '+' : job === open.at(-2) ? '-' : ' ';
  const pid = long ? `${String(job.pid).padStart(5)} ` : '';
  return `[${job.number}]${mark}  ${pid}${jobState(job).padEnd(24)}${job.text}${job.status === undefined ? ' &' : ''}\n`;
}

/** Tells the ends of jobs that nobody heard of yet, as a prompt does. */
export async function tellEndedJobs(sh: ShellProcess): Promise<void> {
  for (const job of sh.jobs) {
    if (job.status === undefined || job.told) continue;
    await sh.err(jobLine(sh, job));
    job.told = true;
  }
  sh.jobs = sh.jobs.filter((job) => !job.told);
}
