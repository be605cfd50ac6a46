import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { AcademyError } from '#base/errors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Engine } from './engine.ts';

const PROGRAM = '/kind/linkerd';

/** Puts the official program into the node and renders manifests with it there, next to the API it looks at. */
export function linkerdCli(
  engine: Engine,
  node: string,
  path: string,
  signal: AbortSignal,
): (args: string[], files: Record<string, string>) => Promise<KubeObject[]> {
  let copied: Promise<unknown> | undefined;
  const copy = async () => {
    const program = await readFile(path).catch((cause: unknown) => {
      throw new AcademyError('settings/invalid', `The linkerd program ${path} can't be read.`, { cause });
    });
    await engine.run(node, ['sh', '-c', `cat > ${PROGRAM} && chmod 755 ${PROGRAM}`], {
      stdin: program,
      timeoutMs: 120_000,
      signal,
    });
  };
  return async (args, files) => {
    copied ??= copy();
    await copied;
    for (const [name, content] of Object.entries(files))
      await engine.write(node, `/kind/linkerd-files/${name}`, content, signal);
    const yaml = await engine.run(
      node,
      ['sh', '-c', `cd /kind && mkdir -p linkerd-files && cd linkerd-files && exec ${PROGRAM} "$@"`, 'sh', ...args],
      { timeoutMs: 120_000, signal },
    );
    return parseAllDocuments(yaml).flatMap((document) => {
      const object = document.toJS() as KubeObject | null;
      return object?.kind ? [object] : [];
    });
  };
}
