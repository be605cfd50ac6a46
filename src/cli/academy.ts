#!/usr/bin/env node
import { AcademyError, messageOf } from '#base/errors.ts';
import { USAGE } from './usage.ts';

/** One file a command: `commands/<verb>/<noun>.ts`, or `commands/<verb>.ts` where a verb needs no noun. */
const COMMANDS: Record<string, { summary: string; load: () => Promise<{ run(args: string[]): Promise<number> }> }> = {
  start: { summary: 'open the academy (npm start)', load: () => import('./commands/start.ts') },
  test: { summary: 'run all tests (npm test)', load: () => import('./commands/test.ts') },
  build: { summary: 'build the site and the session worker', load: () => import('./commands/build.ts') },
  prove: { summary: 'prove labs: prove <lab>… | --all', load: () => import('./commands/prove/lab.ts') },
  try: { summary: 'a lab with its author’s panel in the terminal: try <lab>', load: () => import('./commands/try.ts') },
  preview: {
    summary: 'the academy, with lessons and labs read again when they change',
    load: () => import('./commands/preview.ts'),
  },
  doctor: {
    summary: 'what kind clusters need of this host, and what mends it',
    load: () => import('./commands/doctor.ts'),
  },
  images: {
    summary: 'what kind clusters run: images list | build | bake | pull | save | load',
    load: () => import('./commands/images.ts'),
  },
  cluster: { summary: 'run one cluster: cluster up | list | down', load: () => import('./commands/cluster.ts') },
  conformance: {
    summary: 'hold a cluster with the mesh against policy cases: conformance --kubeconfig FILE',
    load: () => import('./commands/conformance.ts'),
  },
  list: { summary: 'list labs | images | checks [name …]', load: () => import('./commands/list.ts') },
  schemas: {
    summary: 'write the JSON Schemas for lab.yaml and front matter',
    load: () => import('./commands/schemas.ts'),
  },
  new: { summary: 'begin a course, lesson or lab: new course | lesson | lab', load: () => import('./commands/new.ts') },
  check: { summary: 'check lessons and labs: check [path]', load: () => import('./commands/check/content.ts') },
};

async function main(argv: string[]): Promise<number> {
  const [verb, ...args] = argv;
  if (!verb || verb === 'help' || verb === '--help' || verb === '-h') {
    const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
    console.log('Usage: npx academy <command>\n');
    for (const [name, { summary }] of Object.entries(COMMANDS)) console.log(`  ${name.padEnd(width)}  ${summary}`);
    return verb ? 0 : 2;
  }
  const command = COMMANDS[verb];
  if (!command) {
    console.error(`There is no command "${verb}". \`npx academy help\` lists them.`);
    return 2;
  }
  const usage: string | undefined = USAGE[verb as keyof typeof USAGE];
  if (usage !== undefined && args.some((arg) => arg === '--help' || arg === '-h')) {
    console.log(usage);
    return 0;
  }
  try {
    return await (await command.load()).run(args);
  } catch (error) {
    // Told by node:util's parseArgs: an option that is not known, or one without its value.
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!code.startsWith('ERR_PARSE_ARGS')) throw error;
    console.error(`${messageOf(error)}\n${usage ?? ''}`);
    return 2;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof AcademyError) {
    console.error(`${error.message}\n${error.hint}  (${error.code})`);
    process.exitCode = error.exitCode;
  } else {
    console.error(error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
    process.exitCode = 1;
  }
}
