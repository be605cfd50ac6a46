import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { AcademyProcess } from '../support/academy-process.ts';
import type { Figure } from './figure.ts';

/** What a second `npm start` takes, and what a reader's browser is sent. */
export async function measure(): Promise<Figure[]> {
  const { siteDir } = await ensureBuilt(() => {});
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const began = performance.now();
    const academy = await AcademyProcess.start();
    times.push(performance.now() - began);
    await academy.stop();
  }
  return [
    {
      what: 'npm start again, to the address line',
      value: times.toSorted((a, b) => a - b)[1]! / 1000,
      unit: 's',
      bar: 3,
    },
    { what: 'JavaScript of a reading page, gzip', value: readingScriptBytes(siteDir) / 1024, unit: 'KiB', bar: 30 },
  ];
}

/** All scripts that the lesson with the most of them loads, with what they import statically. */
function readingScriptBytes(siteDir: string): number {
  const pages = readdirSync(siteDir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'));
  return Math.max(
    ...pages.map((page) => {
      const html = readFileSync(join(siteDir, page), 'utf8');
      const seen = new Set<string>();
      const visit = (address: string) => {
        if (seen.has(address)) return;
        seen.add(address);
        const code = readFileSync(join(siteDir, address), 'utf8');
        for (const match of code.matchAll(/(?:import|from)\s*["'](\.{1,2}\/[^"']+|\/[^"']+)["']/g))
          visit(match[1]!.startsWith('/') ? match[1]! : join(address, '..', match[1]!));
      };
      for (const match of html.matchAll(/<script[^>]+src="([^"]+)"/g)) visit(match[1]!);
      return [...seen].reduce((sum, address) => sum + gzipSync(readFileSync(join(siteDir, address))).length, 0);
    }),
  );
}
