import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../root.ts';
import { buildWorker } from './worker.ts';

export interface Built {
  siteDir: string;
  workerEntry: URL;
}

const OUT = join(ROOT, '.academy', 'build');

/**
 * Builds the site and the session worker when their inputs changed since the last time. What changed is told by names,
 * sizes and modification times, which is quick enough to ask at every start.
 */
export async function ensureBuilt(
  say: (line: string) => void,
  parts: ('site' | 'worker')[] = ['site', 'worker'],
): Promise<Built> {
  await mkdir(OUT, { recursive: true });
  const siteDir = join(OUT, 'site');
  const worker = join(OUT, 'worker', 'worker.mjs');
  await Promise.all([
    parts.includes('site') &&
      step(
        'site',
        [
          'src/site',
          'src/workbench',
          'src/content',
          'src/schema',
          'src/mesh/crds/data',
          'lessons',
          'labs',
          'public',
          'astro.config.ts',
          'package-lock.json',
        ],
        siteDir,
        async () => {
          say('Building the site (only when lessons or pages changed) …');
          await buildSite(siteDir);
        },
      ),
    parts.includes('worker') && step('worker', ['src', 'package-lock.json'], worker, () => buildWorker(worker)),
  ]);
  return { siteDir, workerEntry: pathToFileURL(worker) };
}

async function step(name: string, inputs: string[], result: string, work: () => Promise<void>): Promise<void> {
  const stamp = join(OUT, `${name}.stamp`);
  const now = await fingerprint(inputs);
  const before = existsSync(result) ? await readFile(stamp, 'utf8').catch(() => '') : '';
  if (before === now) return;
  await work();
  await writeFile(stamp, now);
}

async function fingerprint(inputs: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const input of inputs) {
    const path = join(ROOT, input);
    const info = await stat(path).catch(() => undefined);
    if (!info) continue;
    const files = info.isDirectory()
      ? (await readdir(path, { recursive: true, withFileTypes: true }))
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()
      : [path];
    for (const file of files) {
      const { size, mtimeMs } = await stat(file);
      hash.update(`${file.slice(ROOT.length)}\0${size}\0${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

/** Built beside the one that is served, and put in its place when it is whole. Several processes may do so at once. */
async function buildSite(siteDir: string): Promise<void> {
  const [next, old] = [`${siteDir}.${process.pid}.next`, `${siteDir}.${process.pid}.old`];
  const remove = (path: string) => rm(path, { recursive: true, force: true });
  try {
    await astroBuild(next);
    await rename(siteDir, old).catch(() => {});
    // Another process may have put its own in place meanwhile; it is as good.
    await rename(next, siteDir).catch((error: unknown) => {
      if (!existsSync(siteDir)) throw error;
    });
  } finally {
    await Promise.all([remove(next), remove(old)]);
  }
}

/** Astro runs in a process of its own: what it loads is not needed by the server. */
function astroBuild(outDir: string): Promise<void> {
  const astro = join(ROOT, 'node_modules', 'astro', 'bin', 'astro.mjs');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [astro, 'build', '--silent', '--outDir', relative(ROOT, outDir)], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ASTRO_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' },
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`The site could not be built:\n${output}`))));
  });
}
