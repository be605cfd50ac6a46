import type { Command } from '../command.ts';

/** The programs of a small Linux: text tools, files, and what people watch output with. */
export function standardPrograms(): Command[] {
  return [];
}
