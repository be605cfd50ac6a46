import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

/** What is in a lab's cluster when the learner comes in, as far as its files say. */
export interface LabWorld {
  /** `deployment/web` in `shop` is `shop deployment/web`. */
  objects: ReadonlySet<string>;
  /** False when scripts make some of it, so that what is not listed may be there all the same. */
  complete: boolean;
  traffic: boolean;
  mesh: boolean;
}

const CONTROL_PLANE = ['linkerd-identity', 'linkerd-destination', 'linkerd-proxy-injector'];

/** Reads `start/` of a lab folder. What is no YAML is somebody else's to report. */
export async function readLabWorld(folder: string, definition: Record<string, unknown>): Promise<LabWorld> {
  const names = await readdir(join(folder, 'start')).catch((): string[] => []);
  const objects = new Set<string>();
  for (const name of names.filter((name) => /\.ya?ml$/.test(name))) {
    for (const document of parseAllDocuments(await readFile(join(folder, 'start', name), 'utf8'))) {
      const { kind, metadata } = (document.toJS() ?? {}) as { kind?: string; metadata?: Record<string, string> };
      if (kind && metadata?.['name'])
        objects.add(`${metadata['namespace'] ?? 'default'} ${kind.toLowerCase()}/${metadata['name']}`);
    }
  }
  const traffic = definition['traffic'] as { from?: unknown; namespace?: unknown } | undefined;
  if (typeof traffic?.from === 'string')
    objects.add(`${String(traffic.namespace ?? 'shop')} deployment/${traffic.from.replace(/^deployment\//, '')}`);
  const cluster = definition['cluster'] as { mesh?: unknown } | undefined;
  const mesh = cluster?.mesh !== 'none';
  if (mesh) for (const name of CONTROL_PLANE) objects.add(`linkerd deployment/${name}`);
  return { objects, complete: !names.some((name) => name.endsWith('.sh')), traffic: traffic !== undefined, mesh };
}
