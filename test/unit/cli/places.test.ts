import { describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import { Places } from '../../../src/cli/prove/places.ts';

describe('places for sessions', () => {
  const machine = { idle: 0, total: 0 };
  const busy = (share: number) => {
    machine.total += 1_000;
    machine.idle += 1_000 * (1 - share);
  };

  it('become more while processors are idle, and fewer when they are not', () => {
    const places = new Places(new MovableClock(), () => ({ ...machine }), 2);
    let more = 0;
    places.onMore = () => more++;
    expect(places.size).toBe(4);
    for (let i = 0; i < 3; i++) {
      busy(0.2);
      places.look();
    }
    expect([places.size, more]).toEqual([7, 3]);
    // One busy second is no reason to run less.
    busy(1);
    places.look();
    expect(places.size).toBe(8);
    for (let i = 0; i < 20; i++) {
      busy(1);
      places.look();
    }
    expect(places.size).toBe(4);
    for (let i = 0; i < 20; i++) {
      busy(0);
      places.look();
    }
    expect(places.size).toBe(10);
    places.close();
  });

  it('stay as they are while they are not all taken', () => {
    const places = new Places(new MovableClock(), () => ({ ...machine }), 2);
    places.taken = () => 1;
    for (let i = 0; i < 5; i++) {
      busy(0.2);
      places.look();
    }
    expect(places.size).toBe(4);
    places.close();
  });
});
