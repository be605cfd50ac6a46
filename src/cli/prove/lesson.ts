import type { ShownCommand } from '#content/shown-commands.ts';
import { missingFrom } from '#content/shown-output.ts';
import type { LabProcess } from './lab-process.ts';

/** A command that never ends by itself; a reader ends it with Ctrl-C. */
const WATCHES = /\bkubectl\b[^|;]*\s(get\s[^|;]*\s(-w|--watch)|logs\s([^|;]*\s)?(-f|--follow))(\s|$)/;
/** A command that changes nothing, and may be given again until the cluster has come so far. */
const LOOKS =
  /^(kubectl( -n \S+)? (get|describe|logs|events|auth|top|explain)|linkerd( -n \S+)? (check|identity|diagnostics|viz|version)|openssl|cat|grep|step certificate (inspect|verify))\b/;
/** What a terminal says of a command that it can't run. What the learner has not made yet may be missing all the same. */
const CANNOT = /command not found|unknown (command|flag|shorthand flag)|not modelled|syntax error/i;

/** What programs in Go say of the API server's warnings, between the lines of what they print: of deprecated versions, for instance. */
const NOTICE = /^[IW]\d{4} [\d:.]+ +\d+ warnings\.go:\d+\] .*\n/gm;

const ENDS_WITHIN_S = 180;
/** `timeout` ends with this when it had to. */
const TIMED_OUT = 124;
/** What is shown is there within this, asked once a second. */
const SHOWN_WITHIN_MS = 15_000;

/**
 * Types every command that a lesson shows, one after the other, as somebody does who reads it. Each can be run, and what is
 * shown under it is what it prints.
 */
export async function read(session: LabProcess, commands: readonly ShownCommand[]): Promise<string> {
  const wrong: string[] = [];
  let compared = 0;
  for (const { command, output } of commands) {
    if (WATCHES.test(command)) {
      if (output) wrong.push(`${command}\n  never ends, so no output of it can be shown`);
      continue;
    }
    const expected = output && !output.solved ? output.text : undefined;
    if (expected !== undefined) compared++;
    const mistake = await mistakeIn(session, command, expected);
    if (mistake) wrong.push(mistake);
  }
  session.ended('script');
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  return `${commands.length} commands run, ${compared} printed what is shown`;
}

/** The same for what is shown of a world in which the lab is solved, and only for that. */
export async function readSolved(session: LabProcess, commands: readonly ShownCommand[]): Promise<string> {
  const wrong: string[] = [];
  const shown = commands.filter(({ output }) => output?.solved);
  for (const { command, output } of shown) {
    const mistake = await mistakeIn(session, command, output!.text);
    if (mistake) wrong.push(mistake);
  }
  session.ended('script');
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  return `${shown.length} printed what is shown`;
}

async function mistakeIn(
  session: LabProcess,
  command: string,
  expected: string | undefined,
): Promise<string | undefined> {
  const until = performance.now() + (LOOKS.test(command) ? SHOWN_WITHIN_MS : 0);
  for (;;) {
    const { code, output } = await session.run(
      `timeout ${ENDS_WITHIN_S} bash <<'END-OF-COMMAND'\n${command}\nEND-OF-COMMAND`,
    );
    if (code === TIMED_OUT) return `${command}\n  did not end within ${ENDS_WITHIN_S} s`;
    if (code === 127 || code === 2 || CANNOT.test(output)) return `[${code}] ${command}\n${output}`;
    const missing = expected === undefined ? undefined : missingFrom(expected, output.replaceAll(NOTICE, ''));
    if (missing === undefined) return undefined;
    if (performance.now() >= until) return `${command}\n  did not print: ${missing}\n  but:\n${output}`;
    await session.run('sleep 1');
  }
}
