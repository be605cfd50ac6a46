import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build as bundle, type Plugin } from 'esbuild';
import { ROOT } from '../root.ts';

/**
 * The code of a session's worker. There is one such thread a session, and each keeps its own copy of all it loads, so
 * what is loaded decides what a session costs (`decisions/005`).
 *
 * One bundle, split into chunks that are loaded when first needed. Packages with files of their own stay outside.
 */
export async function buildWorker(outfile: string, entry = 'src/server/sessions/worker/main.ts'): Promise<void> {
  await rm(join(outfile, '..'), { recursive: true, force: true });
  await copyData(join(outfile, '..', 'data'));
  await bundle({
    absWorkingDir: ROOT,
    entryPoints: { worker: entry },
    outdir: join(outfile, '..'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: ['dockerode'],
    sourcemap: false,
    legalComments: 'none',
    minify: true,
    logLevel: 'silent',
    plugins: [noSchemas, plainHttp, parserAlone, parsedData],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
}

/**
 * What comes into a worker was read by the server, so a worker reads nothing by a schema and goes without the 4 MiB of
 * zod. Schemas that stand beside what is needed (the parameters of checks) become one object that cannot be used.
 */
const noSchemas: Plugin = {
  name: 'no-schemas',
  setup(build) {
    build.onResolve({ filter: /^zod$/ }, ({ path }) => ({ path, namespace: 'no-schemas', sideEffects: false }));
    build.onLoad({ filter: /.*/, namespace: 'no-schemas' }, () => ({
      contents: `
const readers = new Set(['parse', 'safeParse', 'parseAsync', 'safeParseAsync', 'toJSONSchema']);
export const z = new Proxy(() => {}, {
  apply: () => z,
  get(_, key) {
    if (readers.has(key)) throw new Error('A session\\'s worker has no schemas; the server reads what comes in.');
    return z;
  },
});`,
    }));
  },
};

/**
 * Whoever imports node:http as a module has all its exports read, WebSocket among them, and with that the whole of
 * undici loaded: 3 MiB a thread that nothing here uses. The module itself reads none of them before they are asked for.
 */
const plainHttp: Plugin = {
  name: 'plain-http',
  setup(build) {
    build.onResolve({ filter: /^(node:)?https?$/ }, ({ path }) => ({
      path: path.replace(/^(node:)?/, 'node:'),
      namespace: 'plain-http',
    }));
    build.onLoad({ filter: /.*/, namespace: 'plain-http' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/** Of just-bash every session needs the parser; the rest is an import of its own, for the tools that run on it. */
const parserAlone: Plugin = {
  name: 'parser-alone',
  setup(build) {
    const inside = /[/\\]just-bash[/\\]dist[/\\]/;
    build.onResolve({ filter: /^just-bash$/ }, async ({ path, importer, kind }) => {
      if (!/[/\\]syntax[/\\]parser\.ts$/.test(importer)) return { path, external: true };
      if (kind !== 'import-statement') return undefined;
      const found = await build.resolve('./node_modules/just-bash/dist/bundle/index.js', { kind, resolveDir: ROOT });
      return found.errors.length > 0 ? found : { path: found.path, sideEffects: false };
    });
    build.onResolve({ filter: /./ }, async ({ path, importer, resolveDir, kind }) => {
      if (!inside.test(importer)) return undefined;
      if (kind === 'dynamic-import') return { path, external: true };
      if (!path.startsWith('.')) return undefined;
      return { path: join(resolveDir, path), sideEffects: false };
    });
  },
};

/** As text that is parsed, data takes a third of the memory that it takes as source code. */
const parsedData: Plugin = {
  name: 'parsed-data',
  setup(build) {
    build.onLoad({ filter: /[/\\]data[/\\][^/\\]+\.json$/ }, ({ path }) => ({
      contents: `import { readFileSync } from 'node:fs';
export default JSON.parse(readFileSync(new URL(${JSON.stringify(`./data/${basename(path)}`)}, import.meta.url), 'utf8'));`,
    }));
  },
};

/**
 * Interface data is read from a folder `data` beside the code that reads it. In the bundle all code stands in one folder,
 * so all data does too.
 */
async function copyData(to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const source = join(ROOT, 'src');
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile() || basename(entry.parentPath) !== 'data') continue;
    await copyFile(join(entry.parentPath, entry.name), join(to, entry.name), constants.COPYFILE_EXCL);
  }
}
