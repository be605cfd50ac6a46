const UNIT_MS: Record<string, number> = {
  sec: 1000,
  second: 1000,
  min: 60_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  fortnight: 1_209_600_000,
};

/** Reads a date as `date -d` does, for the common forms; ms since the epoch, undefined when it cannot be read. */
export function parseDate(text: string, now: number): number | undefined {
  let rest = text.trim().toLowerCase();
  let ms = now;
  const epoch = /^@(-?\d+(?:\.\d+)?)/.exec(rest);
  if (epoch) {
    ms = Number(epoch[1]) * 1000;
    rest = rest.slice(epoch[0].length);
  } else {
    const absolute =
      /^(\d{4})-(\d{2})-(\d{2})(?:[t ]+(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(z|utc|gmt|[-+]\d{2}:?\d{2})?)?/.exec(
        rest,
      );
    if (absolute) {
      const [all, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', zone = 'z'] = absolute;
      const offset = /^([-+])(\d{2}):?(\d{2})$/.exec(zone);
      const shift = offset ? (Number(offset[2]) * 60 + Number(offset[3])) * 60_000 * (offset[1] === '-' ? 1 : -1) : 0;
      ms =
        Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) +
        Number(`0.${fraction}`) * 1000 +
        shift;
      rest = rest.slice(all.length);
    } else {
      const named =
        /^(?:[a-z]{3},?\s+)?(?:(\d{1,2})\s+([a-z]{3})[a-z]*|([a-z]{3})[a-z]*\s+(\d{1,2}))(?:,?\s+(\d{4}))?(?:\s+(\d{2}):(\d{2})(?::(\d{2}))?)?(?:\s+(\d{4}))?(?:\s*(?:gmt|utc|z))?(?:\s+(\d{4}))?/.exec(
          rest,
        );
      const month = named ? 'janfebmaraprmayjunjulaugsepoctnovdec'.indexOf(named[2] ?? named[3]!) / 3 : -1;
      if (named && Number.isInteger(month) && month >= 0) {
        const year = Number(named[5] ?? named[9] ?? named[10] ?? new Date(now).getUTCFullYear());
        ms = Date.UTC(
          year,
          month,
          Number(named[1] ?? named[4]),
          Number(named[6] ?? 0),
          Number(named[7] ?? 0),
          Number(named[8] ?? 0),
        );
        rest = rest.slice(named[0].length);
      }
    }
  }
  for (rest = rest.trim(); rest !== ''; rest = rest.trim()) {
    const word = /^(now|today|yesterday|tomorrow|midnight|utc|gmt|z)\b/.exec(rest);
    const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*utc)?/.exec(rest);
    const step =
      /^(next|last|this|[-+]?\s*\d*)\s*(second|sec|minute|min|hour|day|week|fortnight|month|year)s?(\s+ago)?\b/.exec(
        rest,
      );
    if (word) {
      if (word[1] === 'yesterday') ms -= 86_400_000;
      if (word[1] === 'tomorrow') ms += 86_400_000;
      if (word[1] === 'midnight') ms -= ((ms % 86_400_000) + 86_400_000) % 86_400_000;
      rest = rest.slice(word[0].length);
    } else if (clock) {
      ms =
        Math.floor(ms / 86_400_000) * 86_400_000 +
        (Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3] ?? 0)) * 1000;
      rest = rest.slice(clock[0].length);
    } else if (step) {
      const given = step[1]!.replace(/\s/g, '');
      const amount =
        (given === 'next'
          ? 1
          : given === 'last'
            ? -1
            : given === 'this'
              ? 0
              : /\d/.test(given)
                ? Number(given)
                : given === '-'
                  ? -1
                  : 1) * (step[3] ? -1 : 1);
      const unit = step[2]!;
      if (unit === 'month' || unit === 'year') {
        const date = new Date(ms);
        date.setUTCMonth(date.getUTCMonth() + amount * (unit === 'year' ? 12 : 1));
        ms = date.getTime();
      } else ms += amount * UNIT_MS[unit]!;
      rest = rest.slice(step[0].length);
    } else return undefined;
  }
  return Number.isFinite(ms) ? ms : undefined;
}
