import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '#base/clock.ts';
import type { Box } from '../desk.ts';

export interface WatchEvents {
  /** Nothing that happens from now on is missed. */
  onReady(): void;
  /** Absolute paths, each once, that changed. */
  onChanged(paths: string[]): void;
  /** It ended without having been stopped. */
  onBroken(): void;
}

const WATCH = '/usr/local/lib/academy/watch';
/** Changes are told together when there was none for this long, ms, and at the latest after the other. */
const QUIET_MS = 60;
const LONGEST_WAIT_MS = 500;
const MOST_BYTES = 1024 * 1024;

/** Follows what changes in a box. The returned function stops it. */
export async function watchBox(box: Box, wall: Clock, events: WatchEvents): Promise<() => void> {
  const stream: Duplex = await box.stream([WATCH]);
  let rest = '';
  let pending = new Set<string>();
  let timer: Timer | undefined;
  let since = 0;
  let stopped = false;
  const tell = () => {
    timer?.cancel();
    timer = undefined;
    const paths = [...pending];
    pending = new Set();
    if (paths.length > 0 && !stopped) events.onChanged(paths);
  };
  stream.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1');
    const parts = rest.split('\0');
    rest = parts.pop() ?? '';
    if (rest.length > MOST_BYTES) return stream.destroy();
    for (const part of parts) {
      if (part === '') events.onReady();
      else pending.add(Buffer.from(part, 'latin1').toString('utf8'));
    }
    if (pending.size === 0) return;
    const now = wall.now();
    if (!timer) since = now;
    timer?.cancel();
    timer = wall.setTimeout(tell, Math.max(0, Math.min(QUIET_MS, since + LONGEST_WAIT_MS - now)));
  });
  const broken = () => {
    if (stopped) return;
    stopped = true;
    timer?.cancel();
    events.onBroken();
  };
  stream.once('end', broken).once('close', broken).once('error', broken);
  return () => {
    stopped = true;
    timer?.cancel();
    stream.destroy();
  };
}
