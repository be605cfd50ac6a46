import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AcademyError } from '#base/errors.ts';
import { bakeNode } from '#cluster/kind/bake.ts';
import { Engine } from '#cluster/kind/engine.ts';
import { imageSize, loadImages, pullImage, saveImages } from '#cluster/kind/image-store.ts';
import { localName, withoutDigest } from '#cluster/kind/references.ts';
import { meshImages } from '#cluster/linkerd/images.ts';
import { buildToolbox } from '#cluster/toolbox/image.ts';
import { readSettings } from '#server/settings.ts';
import { classroomImages, imagesOfLabs } from '../classroom-images.ts';
import { fetchTools } from '../toolbox-tools.ts';
import { USAGE } from '../usage.ts';

/** `academy images …`: what kind clusters run. Nothing is fetched unless `pull` is asked for. */
export async function run([verb, ...args]: string[]): Promise<number> {
  const engine = new Engine();
  switch (verb) {
    case 'list':
      return list(engine);
    case 'build':
      return build(engine, args);
    case 'tools':
      return tools(args);
    case 'bake':
      return bake(engine, args);
    case 'pull':
      return pull(engine);
    case 'save':
      return save(engine, fileIn(args));
    case 'load':
      await loadImages(engine, fileIn(args), (line) => console.log(line));
      return 0;
    default:
      console.error(USAGE.images);
      return verb === undefined || verb === 'help' ? 0 : 2;
  }
}

async function list(engine: Engine): Promise<number> {
  let missing = 0;
  const rows: string[][] = [];
  for (const { reference, for: what } of await classroomImages()) {
    const size = await imageSize(engine, (await localName(engine, reference)) ?? reference);
    if (size === undefined) missing++;
    rows.push([reference, size === undefined ? 'missing' : `${Math.ceil(size / 1e6)} MB`, what]);
  }
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const [reference = '', size = '', what = ''] of rows)
    console.log(`${reference.padEnd(widths[0]!)}  ${size.padStart(widths[1]!)}  ${what}`);
  console.log(missing === 0 ? '\nEverything is here.' : `\n${missing} missing. \`academy images pull\` fetches them.`);
  console.log(
    'What is here is put into each node. Images baked into the node image need not be: `academy images bake` makes such a one.',
  );
  return 0;
}

async function build(engine: Engine, args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { tools: { type: 'string' }, 'linkerd-cli': { type: 'string' } } });
  const { toolboxImage, toolboxBase, ...settings } = readSettings();
  const tools = values.tools ?? settings.toolboxTools;
  const linkerd = values['linkerd-cli'] ?? settings.linkerdCli;
  await buildToolbox(engine, {
    image: toolboxImage,
    ...(toolboxBase ? { base: toolboxBase } : {}),
    ...(tools ? { tools: resolve(tools) } : {}),
    ...(linkerd ? { linkerd: resolve(linkerd) } : {}),
    onLine: (line) => console.log(line),
  });
  console.log(`${toolboxImage} is built.`);
  return 0;
}

async function tools([folder]: string[]): Promise<number> {
  if (!folder) throw new AcademyError('request/invalid', 'Name the folder, for instance ./tools.');
  const { made, missing } = await fetchTools(resolve(folder), (line) => console.log(line));
  if (made.length > 0)
    console.log(
      `\n${made.join(', ')} in ${folder}. \`academy images build --tools ${folder}\` puts them into the toolbox.`,
    );
  return missing.length === 0 ? 0 : 1;
}

async function bake(engine: Engine, args: string[]): Promise<number> {
  const { nodeImage } = readSettings();
  const { values } = parseArgs({
    args,
    options: { tag: { type: 'string', default: `${withoutDigest(nodeImage)}-classroom` } },
  });
  const images = [...(await meshImages()), ...(await imagesOfLabs()).map(([reference]) => reference)];
  const here = await present(engine, images);
  const base = (await localName(engine, nodeImage)) ?? nodeImage;
  await bakeNode(engine, {
    nodeImage: base,
    images: here,
    tag: values.tag,
    onLine: (line) => console.log(`+ ${line}`),
  });
  console.log(`\n${values.tag} holds ${here.length} images. Use it with ACADEMY_NODE_IMAGE=${values.tag}.`);
  return 0;
}

async function pull(engine: Engine): Promise<number> {
  const { toolboxImage } = readSettings();
  for (const { reference } of await classroomImages()) {
    if (await localName(engine, reference)) continue;
    if (reference === toolboxImage) console.log(`${reference} is built, not pulled: \`academy images build\`.`);
    else await pullImage(engine, reference, (line) => console.log(line));
  }
  return 0;
}

async function save(engine: Engine, file: string): Promise<number> {
  const here = await present(
    engine,
    (await classroomImages()).map(({ reference }) => reference),
  );
  // A file keeps tags and no digests; what was pulled by its digest has no tag of its own.
  for (const reference of here) await tagPlain(engine, reference);
  if (here.length === 0) throw new AcademyError('driver/image-missing', 'Nothing that a classroom needs is here.');
  await saveImages(engine, here.map(withoutDigest), file);
  console.log(`${here.length} images are in ${file}.`);
  return 0;
}

/** Those that are here, by the name they have here; says which are not. */
async function present(engine: Engine, references: string[]): Promise<string[]> {
  const here: string[] = [];
  for (const reference of references) {
    const name = await localName(engine, reference);
    if (name) here.push(name);
    else console.log(`Left out, because it is not here: ${reference}`);
  }
  return here;
}

async function tagPlain(engine: Engine, reference: string): Promise<void> {
  const plain = withoutDigest(reference);
  if (plain === reference || (await engine.hasImage(plain))) return;
  const colon = plain.lastIndexOf(':');
  await engine.call(`name ${plain}`, () =>
    engine.docker.getImage(reference).tag({ repo: plain.slice(0, colon), tag: plain.slice(colon + 1) }),
  );
}

function fileIn([file]: string[]): string {
  if (!file) throw new AcademyError('request/invalid', 'Name the file, for instance classroom.tar.');
  return resolve(file);
}
