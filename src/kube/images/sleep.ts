import { printer, startProcess } from './process.ts';
import type { ContainerContext, Process } from './program.ts';

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/**
 * `sleep` as a container's whole program, without a shell around it: most of a lab's client pods do nothing else. Sleeps
 * on the cluster's clock.
 */
export function startSleep(context: ContainerContext): Process {
  const words = context.argv.slice(1);
  const fail = (message: string) =>
    startProcess(context, async () => {
      printer(context, 'stderr')(message);
      return 1;
    });
  if (words.length === 0) return fail('sleep: missing operand');
  let seconds = 0;
  for (const word of words) {
    const [, number, unit = 's'] = /^(\d+(?:\.\d*)?|\.\d+|inf|infinity)([smhd]?)$/.exec(word) ?? [];
    if (!number) return fail(`sleep: invalid number '${word}'`);
    seconds += number.startsWith('inf') ? Number.POSITIVE_INFINITY : Number(number) * UNITS[unit || 's']!;
  }
  return startProcess(context, (running) => {
    if (seconds === Number.POSITIVE_INFINITY) return;
    context.clock.sleep(seconds * 1_000, running.signal).then(
      () => running.exit(0),
      () => {},
    );
  });
}
