import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '#base/errors.ts';

const run = promisify(execFile);

/** Programs of the toolbox that are Go modules, at releases that are to be had as such. */
const MODULES: Readonly<Record<string, string>> = {
  yq: 'github.com/mikefarah/yq/v4@v4.54.3',
  step: 'github.com/smallstep/cli/cmd/step@v0.21.0',
};
/** They are Go programs of hundreds of packages, and machines that build them may be busy. */
const BUILT_WITHIN_MS = 20 * 60_000;

/**
 * Builds the programs for the toolbox that are Go modules, those that are not in the folder yet; for Linux, on the processor
 * of this host. Says which could not be had, and why.
 */
export async function fetchTools(
  folder: string,
  onLine: (line: string) => void,
): Promise<{ made: string[]; missing: string[] }> {
  mkdirSync(folder, { recursive: true });
  const made: string[] = [];
  const missing: string[] = [];
  for (const [name, module] of Object.entries(MODULES)) {
    if (existsSync(join(folder, name))) {
      onLine(`${name} is there.`);
      continue;
    }
    onLine(`Building ${name} from ${module} …`);
    try {
      await build(name, module, folder);
      made.push(name);
    } catch (error) {
      missing.push(name);
      onLine(`${name} could not be built: ${reasonOf(error)}`);
    }
  }
  return { made, missing };
}

async function build(name: string, module: string, folder: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'academy-tools-'));
  try {
    const { stdout } = await run('go', ['env', 'GOMODCACHE']);
    const version = module.slice(module.lastIndexOf('@v') + 2);
    await run('go', ['install', '-trimpath', `-ldflags=-s -w -X main.Version=${version}`, module], {
      env: { ...process.env, GOPATH: work, GOMODCACHE: stdout.trim(), GOBIN: '', GOOS: 'linux', CGO_ENABLED: '0' },
      timeout: BUILT_WITHIN_MS,
      maxBuffer: 16 * 1024 * 1024,
    });
    // A program for another system than this one lies in a folder of that system's.
    const built = readdirSync(join(work, 'bin'), { recursive: true, withFileTypes: true });
    const program = built.find((entry) => entry.isFile() && entry.name === name);
    if (!program) throw new Error(`the module has no program ${name}`);
    await run('cp', [join(program.parentPath, name), join(folder, `.${name}.partial`)]);
    renameSync(join(folder, `.${name}.partial`), join(folder, name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function reasonOf(error: unknown): string {
  const { code, killed, stderr } = error as { code?: string; killed?: boolean; stderr?: string };
  if (code === 'ENOENT') return 'Go is not installed here.';
  if (killed) return 'it took too long.';
  return stderr?.trim().split('\n').at(-1) ?? messageOf(error);
}
