import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AcademyError } from '#base/errors.ts';
import { buildImage } from '../kind/build-image.ts';
import type { Engine } from '../kind/engine.ts';
import { TOOLS, TOOLS_LABEL } from '../kind/labels.ts';

const SOURCE = join(import.meta.dirname, 'image');

export interface ToolboxBuild {
  /** The reference the image gets. */
  image: string;
  /** Image to begin with; undefined: the one that the Dockerfile pins. */
  base?: string;
  /** Folder with programs to put into it; undefined: none. */
  tools?: string;
  /** Path of the official linkerd program, when it is not in `tools`. */
  linkerd?: string;
  onLine(line: string): void;
  signal?: AbortSignal;
}

/** Builds the toolbox image. Says which tools are left out because they were not given. */
export async function buildToolbox(engine: Engine, o: ToolboxBuild): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), 'academy-toolbox-'));
  try {
    cpSync(SOURCE, context, { recursive: true });
    const given = putTools(join(context, 'tools'), o);
    const missing = TOOLS.filter((tool) => !given.includes(tool));
    if (missing.length > 0)
      o.onLine(
        `Left out, because they were not given: ${missing.join(', ')}. \`--tools FOLDER\` names a folder of them${missing.some((tool) => tool === 'step' || tool === 'yq') ? '; `academy images tools FOLDER` makes step and yq where Go is installed' : ''}.`,
      );
    await buildImage(engine, {
      context,
      tag: o.image,
      args: o.base ? { BASE: o.base } : {},
      labels: { [TOOLS_LABEL]: given.join(' ') },
      onLine: o.onLine,
      ...(o.signal ? { signal: o.signal } : {}),
    });
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Copies the given programs and returns their names. */
function putTools(folder: string, { tools, linkerd }: ToolboxBuild): string[] {
  mkdirSync(folder, { recursive: true });
  if (tools && !existsSync(tools))
    throw new AcademyError('settings/invalid', `The tools are to be in the folder ${tools}, which is not there.`);
  const sources = new Map<string, string>();
  for (const name of tools ? readdirSync(tools) : [])
    if (statSync(join(tools!, name)).isFile()) sources.set(name, join(tools!, name));
  if (linkerd && !sources.has('linkerd')) sources.set('linkerd', linkerd);
  for (const [name, path] of sources) {
    copyFileSync(path, join(folder, name));
    chmodSync(join(folder, name), 0o755);
  }
  return [...sources.keys()];
}
