import { UsageError } from './flags.ts';
import type { Invocation } from './verb.ts';

/** A file of the terminal, or stdin for `-`. */
export async function readText({ context }: Invocation, path: string): Promise<string> {
  if (path === '-') {
    const chunks: Uint8Array[] = [];
    for await (const chunk of context.stdin) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }
  try {
    return await context.fs.readFile(context.fs.resolvePath(context.cwd, path));
  } catch {
    throw new UsageError(`open ${path}: no such file or directory`);
  }
}
