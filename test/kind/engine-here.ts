import { execFileSync } from 'node:child_process';
import { Engine } from '#cluster/kind/engine.ts';

export const NODE_IMAGE = process.env['ACADEMY_NODE_IMAGE'] ?? 'academy/node:v1.35.4';

/** Why these tests can't run here, or undefined when they can. Asked once, before any test is defined. */
async function reason(): Promise<string | undefined> {
  try {
    const engine = new Engine();
    const { ApiVersion } = await engine.version();
    if (!(await engine.hasImage(NODE_IMAGE))) return `the Docker Engine (API ${ApiVersion}) has no image ${NODE_IMAGE}`;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export const skipReason = await reason();
if (skipReason) console.log(`SKIPPED: tests with real Kubernetes in Docker: ${skipReason}`);

export const TOOLBOX_IMAGE = process.env['ACADEMY_TOOLBOX_IMAGE'] ?? 'academy/toolbox:1';
/** Why tests with a toolbox can't run here. */
export const skipToolbox =
  skipReason ??
  ((await new Engine().hasImage(TOOLBOX_IMAGE)) ? undefined : `the Docker Engine has no image ${TOOLBOX_IMAGE}`);
if (skipToolbox && !skipReason) console.log(`SKIPPED: tests of the toolbox: ${skipToolbox}`);

/** Runs a program of this host as root would; undefined when it is not there or refuses. */
export function host(program: string, ...args: string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}
