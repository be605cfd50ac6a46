import { describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import { IdleEnd } from '#server/sessions/idle-end.ts';

const MINUTE = 60_000;

function idle() {
  const clock = new MovableClock({ wall: () => 1_000_000 });
  const told: string[] = [];
  const kept: number[] = [];
  const end = new IdleEnd({
    clock,
    idleMs: 60 * MINUTE,
    warningMs: 5 * MINUTE,
    keep: (endsAt) => kept.push(endsAt),
    warn: (left) => told.push(`${left / MINUTE} minutes left`),
    putOff: () => told.push('put off'),
    end: () => told.push('ended'),
  });
  return { clock, end, told, kept };
}

describe('the end of a session that nobody touches', () => {
  it('is announced, and comes', async () => {
    const { clock, end, told } = idle();
    end.touch();
    await clock.advance(54 * MINUTE);
    expect(told).toEqual([]);
    await clock.advance(6 * MINUTE);
    expect(told).toEqual(['5 minutes left', 'ended']);
  });

  it('is put off by a touch', async () => {
    const { clock, end, told } = idle();
    end.touch();
    await clock.advance(56 * MINUTE);
    end.touch();
    await clock.advance(50 * MINUTE);
    expect(told).toEqual(['5 minutes left', 'put off']);
  });

  it('is known to a restart within a minute, also after hours without a pause', async () => {
    const { clock, end, kept } = idle();
    for (let second = 0; second < 3 * 3600; second += 10) {
      end.touch();
      await clock.advance(10_000);
    }
    expect(kept.at(-1)).toBeGreaterThan(end.at - 2 * MINUTE);
    expect(kept.length).toBeLessThanOrEqual(3 * 60 + 1);
  });

  it('does not come once it was stopped', async () => {
    const { clock, end, told } = idle();
    end.touch();
    end.stop();
    await clock.advance(120 * MINUTE);
    expect(told).toEqual([]);
  });
});
