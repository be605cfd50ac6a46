/** How times and numbers are written for people: short, exact, with their zone where they are instants. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365.25 * DAY;

/** `0.14 s`, `38 s`, `4 min 10 s`, `1 h 52 min`, `16 h`, `3 days 4 h`, `364 days`, `9.7 years`. */
export function duration(ms: number): string {
  const long = Math.abs(ms);
  if (long < SECOND) return `${Math.round(long)} ms`;
  if (long < 10 * SECOND) return `${(long / SECOND).toFixed(1)} s`;
  if (long < MINUTE) return `${Math.round(long / SECOND)} s`;
  if (long < HOUR) return two(long, MINUTE, 'min', SECOND, 's', 10 * MINUTE);
  if (long < 2 * DAY) return two(long, HOUR, 'h', MINUTE, 'min', 2 * DAY);
  if (long < 10 * DAY) return two(long, DAY, 'days', HOUR, 'h', 10 * DAY);
  if (long < 2 * YEAR) return `${Math.round(long / DAY)} days`;
  return `${(long / YEAR).toFixed(1)} years`;
}

function two(ms: number, big: number, bigWord: string, small: number, smallWord: string, upTo: number): string {
  const whole = Math.floor(ms / big);
  const rest = Math.floor((ms - whole * big) / small);
  const first = `${whole} ${whole === 1 && bigWord === 'days' ? 'day' : bigWord}`;
  return rest === 0 || ms >= upTo ? first : `${first} ${rest} ${smallWord}`;
}

/** `14:02:11`, of the given zone. */
export function timeOfDay(at: number, zone: 'UTC' | undefined = 'UTC'): string {
  return new Date(at).toLocaleTimeString('en-GB', { hour12: false, ...(zone ? { timeZone: zone } : {}) });
}

/** `14:02:11 UTC` on the same day, `26 Nov 14:02 UTC` on another, with the year when that differs. */
export function instant(at: number, now: number): string {
  const date = new Date(at);
  const today = new Date(now);
  if (date.toISOString().slice(0, 10) === today.toISOString().slice(0, 10)) return `${timeOfDay(at)} UTC`;
  const year = date.getUTCFullYear() === today.getUTCFullYear() ? {} : { year: 'numeric' as const };
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC', ...year });
  return `${day} ${timeOfDay(at).slice(0, 5)} UTC`;
}

/** `4 812`: thin groups of three, readable in prose and in tables. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** `1 request`, `2 requests`. */
export function several(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** `web, api and load`. */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
