import { describe, expect, it } from 'vitest';
import { Capacity, KIND_SESSION_BYTES, type Occupant } from '#server/sessions/capacity.ts';

const one = (driver: Occupant['driver'], state: Occupant['state'], endsAt = 0): Occupant => ({ driver, state, endsAt });

describe('capacity', () => {
  const of = (maxSessions: number, free: number | undefined) =>
    new Capacity({ maxSessions, freeBytes: () => free && free * KIND_SESSION_BYTES });

  it('has as many places as were set, whatever drives them', () => {
    const two = [one('embedded', 'ready'), one('embedded', 'starting')];
    expect(of(2, undefined).hasRoom('embedded', two)).toBe(false);
    expect(of(3, undefined).hasRoom('embedded', two)).toBe(true);
    expect(of(2, undefined).hasRoom('embedded', [one('embedded', 'ended'), one('kind', 'queued'), two[0]!])).toBe(true);
  });

  it('gives kind a place only where a node’s memory is free, beside those that still grow', () => {
    expect(of(9, 0.9).hasRoom('kind', [])).toBe(false);
    expect(of(9, 0.9).hasRoom('embedded', [])).toBe(true);
    expect(of(9, 1).hasRoom('kind', [one('kind', 'ready')])).toBe(true);
    expect(of(9, 1.9).hasRoom('kind', [one('kind', 'starting')])).toBe(false);
    expect(of(9, 2).hasRoom('kind', [one('kind', 'rebuilding')])).toBe(true);
    expect(of(9, undefined).hasRoom('kind', [])).toBe(true);
  });

  it('estimates by the sessions whose end would help', () => {
    const others = [
      one('embedded', 'ready', 5),
      one('kind', 'ready', 30),
      one('kind', 'starting', 20),
      one('kind', 'ended', 1),
    ];
    expect(of(9, 0).placesAt('kind', others)).toEqual([20, 30]);
    expect(of(3, 0).placesAt('kind', others)).toEqual([5, 20, 30]);
    expect(of(9, 0).placesAt('embedded', others)).toEqual([5, 20, 30]);
  });
});
