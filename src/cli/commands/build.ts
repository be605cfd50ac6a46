import { ensureBuilt } from '../build/build.ts';

/** `academy build`: what `npm start` does before it listens. */
export async function run(): Promise<number> {
  await ensureBuilt((line) => console.log(line));
  return 0;
}
