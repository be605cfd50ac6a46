// node test/golden/terminal/rewrite.ts: runs the commands of the transcripts again and keeps what they print now.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER, render, TRANSCRIPTS } from './transcript.ts';

for (const name of TRANSCRIPTS) {
  const file = join(FOLDER, name);
  writeFileSync(file, await render(readFileSync(file, 'utf8')));
}
