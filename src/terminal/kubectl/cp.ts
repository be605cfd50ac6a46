import { readerOf } from '#shell/pipe.ts';
import type { ByteWriter } from '#shell/stdio.ts';
import { CliError } from './errors.ts';
import { defaultContainer } from './pods-of.ts';
import { packTar, unpackTar } from './tar.ts';
import type { Invocation } from './verb.ts';

interface Place {
  namespace?: string;
  pod?: string;
  path: string;
}

/** Copies files by way of the container's `tar`, as kubectl does. */
export async function cp(k: Invocation): Promise<void> {
  if (k.args.length !== 2) throw new CliError('source and destination are required');
  const [from, to] = k.args.map(placeOf) as [Place, Place];
  if (from.pod !== undefined && to.pod !== undefined)
    throw new CliError('one of src or dest must be a local file specification');
  if (from.path === '' || to.path === '') throw new CliError('filepath can not be empty');
  if (from.pod !== undefined) return copyOut(k, from, to.path);
  if (to.pod !== undefined) return copyIn(k, from.path, to);
  throw new CliError('one of src or dest must be a remote file specification');
}

/** `pod:path`, `namespace/pod:path`, or a local path. */
function placeOf(text: string): Place {
  const colon = text.indexOf(':');
  if (colon < 0) return { path: text };
  if (colon === 0) throw new CliError(`filespec must match the canonical format: [[namespace/]pod:]file/path`);
  const parts = text.slice(0, colon).split('/');
  const path = text.slice(colon + 1);
  if (parts.length === 1) return { pod: parts[0]!, path };
  if (parts.length === 2) return { namespace: parts[0]!, pod: parts[1]!, path };
  throw new CliError(`filespec must match the canonical format: [[namespace/]pod:]file/path`);
}

const nameOf = (path: string): string => path.replace(/\/+$/, '').split('/').at(-1) ?? '';

async function execIn(
  k: Invocation,
  place: Place,
  command: string[],
  stdin?: Uint8Array,
  complaints: ByteWriter = k.context.stderr,
): Promise<Buffer> {
  const namespace = place.namespace ?? k.namespace;
  const target = { group: '', version: 'v1', resource: 'pods', namespace };
  const pod = await k.client.get(target, place.pod!);
  if (['Succeeded', 'Failed'].includes(pod['status']?.phase)) {
    throw new CliError(`cannot exec into a container in a completed pod; current phase is ${pod['status'].phase}`);
  }
  const container = k.flags.get('container') || (await defaultContainer(k, { ...pod, apiVersion: 'v1', kind: 'Pod' }));
  const chunks: Uint8Array[] = [];
  const code = await k.client.exec({
    namespace,
    pod: place.pod!,
    container,
    command,
    ...(stdin ? { stdin: readerOf(stdin) } : {}),
    stdout: (chunk) => void chunks.push(Uint8Array.from(chunk)),
    stderr: (chunk) => void complaints.write(chunk).catch(() => {}),
    signal: k.context.signal,
  });
  if (code !== 0) throw new CliError(`command terminated with exit code ${code}`, { plain: true, exitCode: code });
  return Buffer.concat(chunks);
}

async function copyOut(k: Invocation, from: Place, to: string): Promise<void> {
  const { fs, cwd } = k.context;
  // What tar complains about there goes to the standard output here.
  const files = unpackTar(await execIn(k, from, ['tar', 'cf', '-', from.path], undefined, k.context.stdout));
  const destination = fs.resolvePath(cwd, to);
  const isFolder = (await fs.exists(destination)) && (await fs.stat(destination)).isDirectory;
  const root = from.path.replace(/^\/+/, '').replace(/\/+$/, '');
  for (const { name, content } of files) {
    const rest = name.replace(/^\/+/, '').slice(root.length).replace(/^\/+/, '');
    const base = isFolder ? `${destination}/${nameOf(from.path)}` : destination;
    const path = rest === '' ? base : `${base}/${rest}`;
    if (path.includes('/../')) continue;
    await fs.mkdir(path.slice(0, path.lastIndexOf('/')) || '/', { recursive: true });
    await fs.writeFile(path, content);
  }
}

async function copyIn(k: Invocation, from: string, to: Place): Promise<void> {
  const { fs, cwd } = k.context;
  const source = fs.resolvePath(cwd, from);
  if (!(await fs.exists(source))) throw new CliError(`${from} doesn't exist in local filesystem`);
  let path = to.path.replace(/(.)\/+$/, '$1');
  // A folder in the container takes the file under its own name.
  const isFolder = await execIn(k, to, ['test', '-d', path]).then(
    () => true,
    () => false,
  );
  if (isFolder) path = `${path.replace(/\/$/, '')}/${nameOf(source)}`;
  const slash = path.lastIndexOf('/');
  const [folder, name] = slash < 0 ? ['', path] : [path.slice(0, slash) || '/', path.slice(slash + 1)];
  const files: { name: string; content: Uint8Array }[] = [];
  const gather = async (full: string, as: string): Promise<void> => {
    if (!(await fs.stat(full)).isDirectory) {
      files.push({ name: as, content: await fs.readFileBuffer(full) });
      return;
    }
    for (const entry of (await fs.readdir(full)).sort()) await gather(`${full}/${entry}`, `${as}/${entry}`);
  };
  await gather(source, name);
  const command = [
    'tar',
    ...(k.flags.bool('no-preserve') ? ['--no-same-permissions', '--no-same-owner'] : []),
    '-xmf',
    '-',
  ];
  await execIn(k, to, folder ? [...command, '-C', folder] : command, packTar(files));
}
