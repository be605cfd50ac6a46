import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { Command } from '#shell/command.ts';

export interface OpensslOptions {
  /** The cluster's clock: certificates are made and judged by it. */
  clock: Clock;
  dial(host: string, port: number, signal?: AbortSignal): Promise<Duplex>;
}

export function createOpenssl(_options: OpensslOptions): Command {
  return { name: 'openssl', execute: () => Promise.reject(new Error('not in this checkout yet')) };
}
