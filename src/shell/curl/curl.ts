import type { Duplex } from 'node:stream';
import type { Command } from '../command.ts';

export interface CurlWorld {
  /** Rejects with code ECONNREFUSED, ENOTFOUND, ETIMEDOUT, ECONNRESET, … */
  dial(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
}

export function createCurl(_world: CurlWorld): Command {
  return {
    name: 'curl',
    execute: () => Promise.reject(new Error('not in this checkout yet')),
  };
}
