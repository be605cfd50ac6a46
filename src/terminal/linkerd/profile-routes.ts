// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document is plain JSON.
type Json = any;

const METHODS = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put'];

/** A literal as Go's regexp.QuoteMeta writes it. */
export const quoted = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');

/** One route a path and method of an OpenAPI (Swagger 2) document; path parameters match one segment. */
export function openApiRoutes(document: Json): Json[] {
  const base = String(document?.basePath ?? '').replace(/\/+$/, '');
  return Object.keys(document?.paths ?? {})
    .sort()
    .flatMap((relative) => {
      const path = `${base}/${relative.replace(/^\/+/, '')}`;
      const pathRegex = path
        .split(/\{[^}]*\}/)
        .map(quoted)
        .join('[^/]*');
      return METHODS.filter((method) => document.paths[relative]?.[method]).map((method) => {
        const operation = document.paths[relative][method];
        const classes = Object.keys(operation.responses ?? {})
          .filter((status) => /^\d+$/.test(status))
          .map(Number)
          .sort((a, b) => a - b)
          .map((status) => ({
            condition: { status: { max: status, min: status } },
            ...(status >= 500 ? { isFailure: true } : {}),
          }));
        return {
          condition: { method: method.toUpperCase(), pathRegex },
          ...(operation['x-linkerd-retryable'] === true ? { isRetryable: true } : {}),
          name: `${method.toUpperCase()} ${path}`,
          ...(classes.length > 0 ? { responseClasses: classes } : {}),
          ...(operation['x-linkerd-timeout'] ? { timeout: operation['x-linkerd-timeout'] } : {}),
        };
      });
    });
}

/** One route a method of the services of a protobuf definition; idempotent methods may be retried. */
export function protoRoutes(text: string): Json[] {
  const source = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
  const name = /^\s*package\s+([\w.]+)\s*;/m.exec(source)?.[1];
  const routes: Json[] = [];
  for (const service of blocks(source, /\bservice\s+(\w+)\s*\{/g)) {
    const method = /\brpc\s+(\w+)\s*\([^)]*\)\s*returns\s*\([^)]*\)\s*(\{[^}]*\}|;)/g;
    for (const [, rpc, options = ''] of service.body.matchAll(method)) {
      const idempotent = /\(?idempotency_level\)?\s*=\s*(IDEMPOTENT|NO_SIDE_EFFECTS)\b/.test(options);
      routes.push({
        condition: { method: 'POST', pathRegex: quoted(`/${name ? `${name}.` : ''}${service.name}/${rpc}`) },
        ...(idempotent ? { isRetryable: true } : {}),
        name: rpc,
      });
    }
  }
  return routes;
}

/** Blocks that a pattern opens, each up to its own closing brace. */
function blocks(source: string, opening: RegExp): { name: string; body: string }[] {
  return [...source.matchAll(opening)].map((match) => {
    const start = match.index + match[0].length;
    let depth = 1;
    let at = start;
    for (; at < source.length && depth > 0; at++) depth += source[at] === '{' ? 1 : source[at] === '}' ? -1 : 0;
    return { name: match[1]!, body: source.slice(start, at - 1) };
  });
}
