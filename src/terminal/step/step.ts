import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { Command } from '#shell/command.ts';

export interface StepOptions {
  /** The cluster's clock: certificates are made and judged by it. */
  clock: Clock;
  dial(host: string, port: number, signal?: AbortSignal): Promise<Duplex>;
}

export function createStep(_options: StepOptions): Command {
  return { name: 'step', execute: () => Promise.reject(new Error('not in this checkout yet')) };
}
