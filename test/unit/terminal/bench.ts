import { MovableClock } from '../../../src/base/clock.ts';
import type { Command } from '../../../src/shell/command.ts';
import { collector, readerOf } from '../../../src/shell/pipe.ts';
import { Workspace } from '../../../src/terminal/workspace.ts';

export const NOW = Date.parse('2026-03-01T12:00:00Z');

export interface Result {
  code: number;
  out: string;
  err: string;
}

/** Runs one program on files of its own, at a fixed time. */
export function bench(options: { now?: number; files?: Record<string, string | Uint8Array> } = {}) {
  const clock = new MovableClock({ startAtMs: options.now ?? NOW, wall: () => 0 });
  const files = Object.fromEntries(
    Object.entries(options.files ?? {}).map(([path, content]) => [path, Buffer.from(content as string)]),
  );
  const workspace = new Workspace({ files, onFile() {} });
  const run = async (command: Command, args: string[], input: string | Uint8Array = ''): Promise<Result> => {
    const out = collector();
    const err = collector();
    const code = await command.execute({
      args,
      env: { HOME: workspace.home },
      cwd: workspace.home,
      fs: workspace.fs,
      clock,
      signal: new AbortController().signal,
      stdin: readerOf(input),
      stdout: out.writer,
      stderr: err.writer,
      run: async () => 0,
    });
    return { code, out: out.text(), err: err.text() };
  };
  return { run, clock, workspace, read: (path: string) => workspace.fs.readFile(`${workspace.home}/${path}`) };
}

export const noNetwork = async (): Promise<never> => {
  throw Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED' });
};
