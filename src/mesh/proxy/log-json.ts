/** A line of the proxy's log as its plain format has it. */
export interface LogLine {
  at: number;
  level: string;
  thread: number;
  /** Spans and module, e.g. `inbound:server{port=4143}: linkerd_app_core::serve`. */
  where: string;
  /** Words, then fields: `Request denied client.ip=10.42.0.7`. */
  message: string;
}

type Fields = Record<string, string | number>;

const FIELD = /(?:^| )([a-z_][\w.]*)=/g;

/**
 * The line as `config.linkerd.io/proxy-log-format: json` prints it: one object a line, with the time of day where the plain
 * format has seconds since the start (linkerd/tracing/src/lib.rs; tracing-subscriber, fmt/format/json.rs).
 */
export function jsonLine({ at, level, thread, where, message }: LogLine): string {
  const end = where.lastIndexOf(': ');
  const spans = end < 0 ? [] : spansOf(where.slice(0, end));
  return JSON.stringify({
    timestamp: new Date(at).toISOString().replace('Z', '000Z'),
    level: level.toUpperCase(),
    fields: fieldsOf(message),
    target: end < 0 ? where : where.slice(end + 2),
    ...(spans.length > 0 ? { spans } : {}),
    threadId: `ThreadId(${thread})`,
  });
}

function fieldsOf(message: string): Fields {
  const found = [...message.matchAll(FIELD)];
  const words = found.length > 0 ? message.slice(0, found[0]!.index) : message;
  const fields: Fields = { message: words.trim() };
  for (const [at, match] of found.entries()) {
    const name = match[1]!;
    // What caused an error is told in the plain format alone.
    if (name === 'error.sources') continue;
    fields[name] = scalarOf(message.slice(match.index + match[0].length, found[at + 1]?.index));
  }
  return fields;
}

/** `inbound:server{port=4143}` as `{name: inbound}` and `{port: 4143, name: server}`. */
function spansOf(text: string): Fields[] {
  return [...text.matchAll(/([^:{}]+)(?:\{([^}]*)\})?(?::|$)/g)].map(([, name = '', fields = '']) => {
    const { message: _, ...own } = fieldsOf(fields);
    const sorted = Object.entries(own).sort(([a], [b]) => (a < b ? -1 : 1));
    return { ...Object.fromEntries(sorted), name };
  });
}

function scalarOf(text: string): string | number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!/^".*"$/.test(text)) return text;
  try {
    return JSON.parse(text) as string;
  } catch {
    return text;
  }
}
