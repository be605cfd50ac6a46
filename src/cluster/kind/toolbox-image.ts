import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AcademyError } from '#base/errors.ts';
import { buildImage } from './build-image.ts';
import type { Engine } from './engine.ts';
import { TOOLS_LABEL } from './labels.ts';
import type { KindSettings } from './settings.ts';
import { type Steps, step } from './steps.ts';
import { toolsIn } from './toolbox.ts';

const DOCKERFILE = `ARG BASE
FROM \${BASE}
COPY linkerd /usr/local/bin/linkerd
USER 0:0
RUN linkerd completion bash >/usr/share/bash-completion/completions/linkerd
USER 1000:1000
`;

/**
 * The image for the terminals, if it is here and holds what the lab uses. That it does not is told and no reason to fail: the
 * academy has terminals of its own, with all these programs. Where the official linkerd program is given and the image is
 * without one, it is put in, once for all clusters.
 */
export async function toolboxImage(
  engine: Engine,
  { toolboxImage: image, linkerdCli }: KindSettings,
  tools: string[],
  o: Steps,
): Promise<string | undefined> {
  if (!image) return undefined;
  const there = await toolsIn(engine, image);
  const puts = there && linkerdCli && !there.includes('linkerd') ? linkerdCli : undefined;
  const given = puts ? [...there!, 'linkerd'] : there;
  const lacking = given && tools.filter((tool) => !given.includes(tool));
  if (lacking?.length === 0) return puts ? withLinkerd(engine, { image, tools: given!, program: puts }, o) : image;
  o.onStep({
    step: 'toolbox',
    title: 'Preparing the terminal',
    state: 'skipped',
    at: o.now(),
    message: lacking
      ? `The terminals are the academy’s own, because the image ${image} is without ${lacking.map(named).join(' and ')}, which this lab uses.${lacking.includes('viz') ? '' : ' `academy images build --tools FOLDER` puts it in.'}`
      : `The image ${image} is not here, so the terminals are the academy’s own. \`academy images build\` makes it.`,
  });
  return undefined;
}

/** No image has it: it needs an extension in the cluster, which the academy's own terminals do without. */
const named = (tool: string): string => (tool === 'viz' ? '`linkerd viz`' : tool);

/** The same image with this linkerd program in it, built where there is none yet. */
async function withLinkerd(
  engine: Engine,
  { image, tools, program }: { image: string; tools: string[]; program: string },
  o: Steps,
): Promise<string> {
  const tag = `${image}-linkerd-${await markOf(program)}`;
  if (await engine.hasImage(tag)) return tag;
  return step(o, 'toolbox-image', 'Putting linkerd into the terminal’s image', 5_000, async () => {
    const context = mkdtempSync(join(tmpdir(), 'academy-toolbox-'));
    try {
      writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
      copyFileSync(program, join(context, 'linkerd'));
      chmodSync(join(context, 'linkerd'), 0o755);
      await buildImage(engine, {
        context,
        tag,
        args: { BASE: image },
        labels: { [TOOLS_LABEL]: tools.join(' ') },
        onLine() {},
        signal: o.signal,
      });
    } finally {
      rmSync(context, { recursive: true, force: true });
    }
    return tag;
  });
}

/** Changes when the program does. Its size and age say so at once; reading all of it would keep each lab waiting. */
async function markOf(program: string): Promise<string> {
  const { size, mtimeMs } = await stat(program).catch((cause: unknown) => {
    throw new AcademyError('settings/invalid', `The linkerd program ${program} can't be read.`, { cause });
  });
  return createHash('sha256').update(`${program} ${size} ${mtimeMs}`).digest('hex').slice(0, 12);
}
