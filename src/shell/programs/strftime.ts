const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAY_MS = 86_400_000;

const pad = (value: number, width = 2, fill = '0') => String(value).padStart(width, fill);

/** Formats an instant (ms since the epoch) in UTC, the zone of all lab machines. */
export function strftime(format: string, ms: number): string {
  const date = new Date(ms);
  const hour = date.getUTCHours();
  const firstDay = Date.UTC(date.getUTCFullYear(), 0, 1);
  const dayOfYear = Math.floor(
    (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - firstDay) / DAY_MS,
  );
  const one = (letter: string): string => {
    switch (letter) {
      case 'Y':
        return String(date.getUTCFullYear());
      case 'C':
        return pad(Math.floor(date.getUTCFullYear() / 100));
      case 'y':
        return pad(date.getUTCFullYear() % 100);
      case 'm':
        return pad(date.getUTCMonth() + 1);
      case 'd':
        return pad(date.getUTCDate());
      case 'e':
        return pad(date.getUTCDate(), 2, ' ');
      case 'H':
        return pad(hour);
      case 'k':
        return pad(hour, 2, ' ');
      case 'I':
        return pad(hour % 12 || 12);
      case 'l':
        return pad(hour % 12 || 12, 2, ' ');
      case 'M':
        return pad(date.getUTCMinutes());
      case 'S':
        return pad(date.getUTCSeconds());
      case 'N':
        return pad(Math.floor((((ms % 1000) + 1000) % 1000) * 1e6), 9);
      case 's':
        return String(Math.floor(ms / 1000));
      case 'p':
        return hour < 12 ? 'AM' : 'PM';
      case 'P':
        return hour < 12 ? 'am' : 'pm';
      case 'a':
        return DAYS[date.getUTCDay()]!.slice(0, 3);
      case 'A':
        return DAYS[date.getUTCDay()]!;
      case 'b':
      case 'h':
        return MONTHS[date.getUTCMonth()]!.slice(0, 3);
      case 'B':
        return MONTHS[date.getUTCMonth()]!;
      case 'j':
        return pad(dayOfYear + 1, 3);
      case 'u':
        return String(date.getUTCDay() || 7);
      case 'w':
        return String(date.getUTCDay());
      case 'U':
        return pad(Math.floor((dayOfYear + 7 - date.getUTCDay()) / 7));
      case 'V':
        return pad(isoWeek(date).week);
      case 'G':
        return String(isoWeek(date).year);
      case 'Z':
        return 'UTC';
      case 'z':
        return '+0000';
      case 'F':
        return strftime('%Y-%m-%d', ms);
      case 'T':
      case 'X':
        return strftime('%H:%M:%S', ms);
      case 'R':
        return strftime('%H:%M', ms);
      case 'r':
        return strftime('%I:%M:%S %p', ms);
      case 'D':
      case 'x':
        return strftime('%m/%d/%y', ms);
      case 'c':
        return strftime('%a %b %e %H:%M:%S %Y', ms);
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case '%':
        return '%';
      default:
        return `%${letter}`;
    }
  };
  return format.replace(
    /%([-_0^]?)(:{0,2})(\d*)([A-Za-z%])/g,
    (_, flag: string, colons: string, width: string, letter: string) => {
      if (colons && letter === 'z') return colons === ':' ? '+00:00' : '+00:00:00';
      let text = letter === 'N' && width ? one('N').slice(0, Number(width)) : one(letter);
      if (flag === '-') text = text.replace(/^[0 ]+(?=.)/, '');
      if (flag === '_') text = text.replace(/^0+(?=.)/, (zeros) => ' '.repeat(zeros.length));
      if (flag === '^') text = text.toUpperCase();
      return text;
    },
  );
}

function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()));
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  const start = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return { year: thursday.getUTCFullYear(), week: Math.ceil(((thursday.getTime() - start) / DAY_MS + 1) / 7) };
}
