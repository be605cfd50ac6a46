import { constants } from 'node:os';
import { printer, startProcess } from './process.ts';
import { processTable } from './process-table.ts';
import type { ContainerContext, Process } from './program.ts';

/** `TERM`, `SIGTERM` or `15`. */
function signalOf(text: string): NodeJS.Signals | undefined {
  const name = `SIG${text.toUpperCase().replace(/^SIG/, '')}`;
  if (name in constants.signals) return name as NodeJS.Signals;
  const found = Object.entries(constants.signals).find(([, number]) => String(number) === text);
  return found?.[0] as NodeJS.Signals | undefined;
}

/** `kill` as a program: signals the processes of its container by their number. */
export function startKill(context: ContainerContext): Process {
  const stderr = printer(context, 'stderr');
  return startProcess(context, async () => {
    const words = context.argv.slice(1);
    const flag = words[0]?.startsWith('-') ? words.shift()!.slice(1) : 'TERM';
    const signal = signalOf(flag === 's' ? (words.shift() ?? '') : flag);
    if (!signal) {
      stderr(`kill: bad signal name '${flag}'`);
      return 1;
    }
    let code = 0;
    for (const word of words) {
      if (!processTable(context).signal(Number(word), signal)) {
        stderr(`kill: can't kill pid ${word}: No such process`);
        code = 1;
      }
    }
    return code;
  });
}
