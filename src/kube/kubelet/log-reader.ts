import type { NodeLogOptions } from '#kube/api/node.ts';
import type { LogBuffer } from './log-buffer.ts';

/** A container's log as the kubelet serves it: the asked-for end of it, then what follows until it ends. */
export async function* readLog(log: LogBuffer, options: NodeLogOptions, nowMs: number): AsyncGenerator<Uint8Array> {
  const { follow, tailLines, sinceMs, timestamps, limitBytes, signal } = options;
  let left = limitBytes ?? Number.POSITIVE_INFINITY;
  const since = sinceMs === undefined ? 0 : nowMs - sinceMs;
  const render = (lines: { at: number; text: string }[]): Buffer =>
    Buffer.from(
      lines
        .filter((line) => line.at >= since)
        .map(({ at, text }) => (timestamps ? `${rfc3339Nano(at)} ${text}\n` : `${text}\n`))
        .join(''),
    );
  let next = log.next;
  let lines = log.from(0);
  if (sinceMs !== undefined) lines = lines.filter((line) => line.at >= since);
  if (tailLines !== undefined && tailLines >= 0) lines = tailLines === 0 ? [] : lines.slice(-tailLines);
  let pending = render(lines);
  for (;;) {
    if (pending.length > 0) {
      yield pending.length > left ? pending.subarray(0, left) : pending;
      left -= pending.length;
      if (left <= 0) return;
    }
    if (!follow) return;
    if (log.next === next) {
      if (log.ended || signal?.aborted) return;
      await changed(log, signal);
    }
    pending = render(log.from(next));
    next = log.next;
  }
}

function changed(log: LogBuffer, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stop();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const stop = log.onChange(done);
    signal?.addEventListener('abort', done, { once: true });
    if (signal?.aborted) done();
  });
}

const rfc3339Nano = (ms: number): string => new Date(ms).toISOString().replace('Z', '000000Z');
