import type { ContainerContext } from './program.ts';

/** Name of a uid by the container's /etc/passwd. */
export function userName(context: Pick<ContainerContext, 'files'>, uid: number): string | undefined {
  const file = context.files.readFile('/etc/passwd');
  for (const line of file ? Buffer.from(file).toString().split('\n') : []) {
    const [name, , number] = line.split(':');
    if (Number(number) === uid) return name;
  }
  return uid === 0 ? 'root' : undefined;
}
