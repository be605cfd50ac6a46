import { readFileSync } from 'node:fs';
import { type CaseFile, parseCaseFile } from './case-file.ts';

/** The academy's own cases. */
export const ownCases = (): CaseFile =>
  parseCaseFile(readFileSync(new URL('./data/cases.json', import.meta.url), 'utf8'));
