import type { KubeObject } from '#kube/api/types.ts';
import { CliError } from './errors.ts';
import { buildKustomization } from './kustomize/build.ts';
import type { Invocation } from './verb.ts';
import { toYaml } from './yaml.ts';

/** `kubectl kustomize [DIR]`: prints what a kustomization makes. */
export async function kustomize(k: Invocation): Promise<void> {
  if (k.args.length > 1) throw new CliError('specify one path to kustomization.yaml');
  const objects = await buildNamed(k, k.args[0] ?? '.');
  await k.out(objects.map(toYaml).join('---\n'));
}

/** The objects of a kustomization named on the command line; its warnings are printed. */
export async function buildNamed(k: Invocation, name: string): Promise<KubeObject[]> {
  const { fs, cwd } = k.context;
  const folder = fs.resolvePath(cwd, name);
  if (!(await fs.exists(folder))) {
    throw new CliError(
      `must build at directory: not a valid directory: evalsymlink failure on '${name}' : lstat ${folder}: no such file or directory`,
    );
  }
  const warnings: string[] = [];
  const objects = await buildKustomization(fs, folder, (line) => warnings.push(line));
  if (warnings.length > 0) await k.err(`${warnings.join('\n')}\n`);
  return objects;
}
