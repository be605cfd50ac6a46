/** A schedule that cannot be read; the message is that of the library that upstream uses (robfig/cron). */
export class ScheduleError extends Error {}

const MACROS: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const DAYS = 'sun mon tue wed thu fri sat'.split(' ');

interface Field {
  values: Set<number>;
  /** Written as `*` or `?`: it does not narrow the day. */
  isAny: boolean;
}

/** When a CronJob runs. */
export interface Schedule {
  /** The first instant after `afterMs`, ms since the epoch; undefined when there is none within five years. */
  next(afterMs: number): number | undefined;
}

function number(text: string, names: string[]): number {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + (names === MONTHS ? 1 : 0);
  if (!/^\d+$/.test(text))
    throw new ScheduleError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  return Number(text);
}

function field(text: string, lowest: number, highest: number, names: string[] = []): Field {
  const values = new Set<number>();
  let isAny = false;
  for (const part of text.split(',')) {
    const [range = '', step, ...more] = part.split('/');
    if (more.length > 0) throw new ScheduleError(`too many slashes: ${part}`);
    const [low = '', high, ...rest] = range.split('-');
    if (rest.length > 0) throw new ScheduleError(`too many hyphens: ${part}`);
    const every = step === undefined ? 1 : number(step, []);
    if (every === 0) throw new ScheduleError(`step of range should be a positive number: ${part}`);
    let from: number;
    let to: number;
    if (low === '*' || low === '?') {
      from = lowest;
      to = highest;
      if (step === undefined) isAny = true;
    } else {
      from = number(low, names);
      to = high === undefined ? (step === undefined ? from : highest) : number(high, names);
    }
    // Sunday may be 7 in some crons, not in this one.
    if (from < lowest) throw new ScheduleError(`beginning of range (${from}) below minimum (${lowest}): ${part}`);
    if (to > highest) throw new ScheduleError(`end of range (${to}) above maximum (${highest}): ${part}`);
    if (from > to) throw new ScheduleError(`beginning of range (${from}) beyond end of range (${to}): ${part}`);
    for (let value = from; value <= to; value += every) values.add(value);
  }
  return { values, isAny };
}

const MINUTE_MS = 60_000;
const FIVE_YEARS_MS = 5 * 366 * 24 * 60 * MINUTE_MS;

/** Wall-clock parts of an instant in a time zone. */
function partsIn(
  zone: string,
): (ms: number) => { minute: number; hour: number; day: number; month: number; weekday: number } {
  if (zone === 'UTC') {
    return (ms) => {
      const at = new Date(ms);
      return {
        minute: at.getUTCMinutes(),
        hour: at.getUTCHours(),
        day: at.getUTCDate(),
        month: at.getUTCMonth() + 1,
        weekday: at.getUTCDay(),
      };
    };
  }
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    minute: 'numeric',
    hour: 'numeric',
    day: 'numeric',
    month: 'numeric',
    weekday: 'short',
  });
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return {
      minute: Number(parts['minute']),
      hour: Number(parts['hour']),
      day: Number(parts['day']),
      month: Number(parts['month']),
      weekday: DAYS.indexOf(String(parts['weekday']).toLowerCase()),
    };
  };
}

/** Reads a schedule such as `5 4 * * mon`, `@hourly` or `@every 90s`. Throws {@link ScheduleError}. */
export function parseSchedule(text: string, timeZone = 'UTC'): Schedule {
  const [, given] = /^@every\s+(\S+)$/.exec(text) ?? [];
  if (given !== undefined) {
    const everyMs = Math.max(1_000, durationMs(given, text));
    return { next: (afterMs) => Math.floor(afterMs / 1_000) * 1_000 + everyMs };
  }
  if (text.startsWith('@') && !MACROS[text]) throw new ScheduleError(`unrecognized descriptor: ${text}`);
  const words = (MACROS[text] ?? text).split(/\s+/).filter(Boolean);
  if (words.length !== 5)
    throw new ScheduleError(`expected exactly 5 fields, found ${words.length}: [${words.join(' ')}]`);
  const minutes = field(words[0]!, 0, 59);
  const hours = field(words[1]!, 0, 23);
  const days = field(words[2]!, 1, 31);
  const months = field(words[3]!, 1, 12, MONTHS);
  const weekdays = field(words[4]!, 0, 6, DAYS);
  const partsOf = partsIn(timeZone);
  return {
    next(afterMs) {
      let at = (Math.floor(afterMs / MINUTE_MS) + 1) * MINUTE_MS;
      const end = afterMs + FIVE_YEARS_MS;
      while (at < end) {
        const { minute, hour, day, month, weekday } = partsOf(at);
        const byDay = days.values.has(day);
        const byWeekday = weekdays.values.has(weekday);
        // When both are narrowed, either will do.
        const isDay = days.isAny || weekdays.isAny ? byDay && byWeekday : byDay || byWeekday;
        if (!months.values.has(month) || !isDay) at += ((23 - hour) * 60 + (60 - minute)) * MINUTE_MS;
        else if (!hours.values.has(hour)) at += (60 - minute) * MINUTE_MS;
        else if (!minutes.values.has(minute)) at += MINUTE_MS;
        else return at;
      }
      return undefined;
    },
  };
}

function durationMs(text: string, whole: string): number {
  const units: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, ms: 1 };
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text))
    throw new ScheduleError(`failed to parse duration ${whole}: time: invalid duration ${JSON.stringify(text)}`);
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) ms += Number(amount) * units[unit!]!;
  return ms;
}
