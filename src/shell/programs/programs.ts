import type { Command } from '../command.ts';
import { binaryPrograms } from './binary.ts';
import { bufferedPrograms } from './buffered.ts';
import { diff } from './diff.ts';
import { grepPrograms } from './grep.ts';
import { ls } from './ls.ts';
import { machinePrograms } from './machine.ts';
import { pagerPrograms } from './pager.ts';
import { runningPrograms } from './running.ts';
import { cat, head, tac, tail, tee, wc } from './streams.ts';
import { timePrograms } from './time.ts';
import { tr } from './tr.ts';

/** The programs of a small Linux: text tools, files, and what people watch output with. */
export function standardPrograms(): Command[] {
  return [
    ...bufferedPrograms,
    ...binaryPrograms,
    cat,
    diff,
    head,
    ls,
    tac,
    tail,
    tee,
    tr,
    wc,
    ...grepPrograms,
    ...machinePrograms,
    ...pagerPrograms,
    ...runningPrograms,
    ...timePrograms,
  ];
}
