export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A log with fields. Never pass tokens, keys, cookies or what a learner typed. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

const ORDER: LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** One line an entry: time, level, message, `key=value` fields. */
export function createLog(
  level: LogLevel = 'info',
  write: (line: string) => void = (l) => process.stderr.write(l),
): Log {
  const entry =
    (at: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (ORDER.indexOf(at) < ORDER.indexOf(level)) return;
      const tail = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
      write(`${new Date().toISOString()} ${at.padEnd(5)} ${message}${tail.join('')}\n`);
    };
  return { debug: entry('debug'), info: entry('info'), warn: entry('warn'), error: entry('error') };
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
