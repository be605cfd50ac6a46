import { expect, vi } from 'vitest';
import type { PodWorld } from './world.ts';

/** Resolves when this proxy has its first certificate. */
export const certified = ({ log }: Pick<PodWorld, 'log'>) =>
  vi.waitFor(() => expect(log.join('\n')).toContain('Certified identity'));
