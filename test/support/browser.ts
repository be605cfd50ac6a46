import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { inflate } from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

const ROOT = resolve(import.meta.dirname, '../..');
const require = createRequire(import.meta.url);

/** As few as are needed: without a sandbox, because tests run as root in containers; without a GPU, there is none. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--font-render-hinting=none',
  '--disable-features=Translate',
];

/**
 * A Chromium that comes out of npm, so that a fresh clone needs nothing of the system. `ACADEMY_CHROMIUM` names another
 * one. The packed browser is unpacked once for a checkout, together with the system libraries that slim images lack.
 */
export async function launchBrowser(): Promise<Browser> {
  const own = process.env['ACADEMY_CHROMIUM'];
  if (own) return chromium.launch({ executablePath: own, args: ARGS });
  const folder = await unpacked();
  const executablePath = join(folder, 'chromium');
  const env: Record<string, string> = { ...stringsOf(process.env), FONTCONFIG_PATH: join(folder, 'fonts') };
  try {
    return await chromium.launch({ executablePath, args: ARGS, env });
  } catch (error) {
    if (!/shared libraries|cannot open shared object/.test(String(error))) throw error;
    const libraries = join(folder, 'al2023', 'lib');
    const path = [libraries, env['LD_LIBRARY_PATH']].filter(Boolean).join(':');
    return await chromium.launch({ executablePath, args: ARGS, env: { ...env, LD_LIBRARY_PATH: path } });
  }
}

/** The folder with `chromium`, `fonts` and `al2023/lib`. Several test processes may ask at once; one of them wins. */
async function unpacked(): Promise<string> {
  const home = dirname(dirname(require.resolve('@sparticuz/chromium')));
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
  const folder = join(ROOT, '.academy', 'chromium', version);
  if (existsSync(join(folder, 'complete'))) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(join(dirname(folder), '.unpacking-'));
  const before = process.env['TMPDIR'];
  // The package unpacks into the system's folder for temporary files, under fixed names.
  process.env['TMPDIR'] = work;
  try {
    for (const archive of ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br']) {
      await inflate(join(home, 'bin', archive));
    }
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
  await writeFile(join(work, 'fonts', 'fonts.conf'), fontsConf(join(folder, 'fonts')));
  await writeFile(join(work, 'complete'), '');
  await rename(work, folder).catch(async (error: unknown) => {
    await rm(work, { recursive: true, force: true });
    if (!existsSync(join(folder, 'complete'))) throw error;
  });
  return folder;
}

/** The packed fonts, and the system's for signs that those lack. */
function fontsConf(folder: string): string {
  const dirs = [folder, '/usr/share/fonts', '/usr/local/share/fonts', '/Library/Fonts', '/System/Library/Fonts'];
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
${dirs.map((dir) => `  <dir>${dir}</dir>`).join('\n')}
  <cachedir>${folder}-cache</cachedir>
</fontconfig>
`;
}

function stringsOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
