import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOpenssl } from '../../../src/terminal/openssl/openssl.ts';
import { createStep } from '../../../src/terminal/step/step.ts';
import { bench, noNetwork } from '../../unit/terminal/bench.ts';

/** The certificates in `files/` were made at this time. */
const MADE_AT = Date.parse('2026-03-01T12:00:00Z');

export const FOLDER = import.meta.dirname;
export const TRANSCRIPTS = ['step.txt', 'openssl.txt'];

/** The commands of a transcript: its lines that begin with `$ `. */
const commandsOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('$ '))
    .map((line) => line.slice(2));

/** Runs every command of a transcript again and writes the whole anew. Exit codes other than 0 are noted. */
export async function render(text: string): Promise<string> {
  const names = readdirSync(join(FOLDER, 'files'));
  const at = bench({
    now: MADE_AT,
    files: Object.fromEntries(names.map((name) => [name, readFileSync(join(FOLDER, 'files', name), 'utf8')])),
  });
  const world = { clock: at.clock, dial: noNetwork };
  const programs = { step: createStep(world), openssl: createOpenssl(world) };
  let output = '';
  for (const line of commandsOf(text)) {
    const [name, ...args] = line.split(' ') as [keyof typeof programs, ...string[]];
    const { code, out, err } = await at.run(programs[name], args);
    output += `$ ${line}\n${out}${err}${code === 0 ? '' : `[exit code ${code}]\n`}\n`;
  }
  return output;
}
