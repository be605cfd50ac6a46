import { ipText } from '#mesh/api/addresses.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { INBOUND, OUTBOUND } from '#mesh/api/tap-api.ts';
import { METHODS, SCHEMES } from '#mesh/api/types.ts';
import { JsonPath, relaxed } from '../../kubectl/jsonpath.ts';

const CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];

type Labels = Record<string, string>;

export const labelsOf = (meta: Message | undefined): Labels => meta?.['labels'] ?? {};
const nothing = (ip: Message | undefined): boolean => !ip?.['ipv4'] && !ip?.['ipv6'];
const ipOf = (address: Message | undefined): string => (nothing(address?.['ip']) ? '' : ipText(address!['ip']));

/** `10.42.0.7:8080`, `[fd00::1]:80`. */
export function addressText(address: Message | undefined): string {
  const ip = ipOf(address);
  return `${ip.includes(':') ? `[${ip}]` : ip}:${address?.['port'] ?? 0}`;
}

export const methodText = (method: Message | undefined): string =>
  method?.['unregistered'] || METHODS[method?.['registered'] ?? 0]!;

const schemeText = (scheme: Message | undefined): string =>
  scheme?.['registered'] === undefined
    ? (scheme?.['unregistered'] ?? '')
    : (SCHEMES[scheme['registered']] ?? '').toUpperCase();

const microseconds = (duration: Message | undefined): number =>
  (duration?.['seconds'] ?? 0) * 1e6 + Math.floor((duration?.['nanos'] ?? 0) / 1000);

const idText = (id: Message | undefined): string => `id=${id?.['base'] ?? 0}:${id?.['stream'] ?? 0}`;

/** An event in one line. */
export function tapLine(event: Message): string {
  const { source, source_meta: from, destination, destination_meta: to, proxy_direction: direction, http } = event;
  const tls = labelsOf(direction === INBOUND ? from : direction === OUTBOUND ? to : undefined)['tls'] ?? '';
  // Both words are equally long.
  const proxy = direction === INBOUND ? 'in ' : direction === OUTBOUND ? 'out' : '???';
  const flow = `proxy=${proxy} src=${addressText(source)} dst=${addressText(destination)} tls=${tls}`;
  const { request_init: request, response_init: response, response_end: end } = http ?? {};
  if (request) {
    return `req ${idText(request.id)} ${flow} :method=${methodText(request.method)} :authority=${request.authority ?? ''} :path=${request.path ?? ''}`;
  }
  if (response) {
    const latency = microseconds(response.since_request_init);
    return `rsp ${idText(response.id)} ${flow} :status=${response.http_status ?? 0} latency=${latency}µs`;
  }
  if (end) {
    const rest = `duration=${microseconds(end.since_response_init)}µs response-length=${end.response_bytes ?? 0}B`;
    const { grpc_status_code: code, reset_error_code: reset } = end.eos ?? {};
    if (code !== undefined)
      return `end ${idText(end.id)} ${flow} grpc-status=${CODES[code] ?? `Code(${code})`} ${rest}`;
    return `end ${idText(end.id)} ${flow} ${reset === undefined ? '' : `reset-error=${reset} `}${rest}`;
  }
  return `unknown ${flow}`;
}

/** The same with the labels of both ends. */
export function wideTapLine(event: Message): string {
  const labels = (start: string, meta: Message | undefined) =>
    Object.entries(labelsOf(meta))
      .map(([key, value]) => `${start}_${key}=${value}`)
      .sort();
  return [
    tapLine(event),
    ...labels('src', event['source_meta']),
    ...labels('dst', event['destination_meta']),
    ...labels('rt', event['route_meta']),
  ].join(' ');
}

/** The same as JSON of several lines. */
export const tapJson = (event: Message): string => goText(tapObject(event));

/** What an expression finds in it first, or why it finds nothing (viz/pkg/jsonpath). */
export function tapPath(expression: string): (event: Message) => string {
  if (!/^(\{\.?[^{}]+\}|\.?[^{}]+)$/.test(expression)) {
    return () =>
      `{"error jsonpath": "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"}`;
  }
  return (event) => {
    try {
      const path = new JsonPath(relaxed(expression), { allowMissing: false });
      const [found] = path.find(tapObject(event));
      if (!found || found.length === 0)
        return `{"error filtering JSON": "couldn't find any results matching with jsonpath filter"}`;
      return goText(found[0]);
    } catch (error) {
      return `{"error jsonpath":" ${(error as Error).message}" }`;
    }
  };
}

/** JSON as Go's encoder writes it: with signs of HTML escaped. */
const goText = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function tapObject(event: Message): object {
  const { request_init: request, response_init: response, response_end: end } = event['http'] ?? {};
  const direction: number = event['proxy_direction'] ?? 0;
  const endpoint = (address: Message | undefined, meta: Message | undefined) => ({
    ip: ipOf(address),
    port: address?.['port'] ?? 0,
    metadata: sorted(labelsOf(meta)),
  });
  return {
    source: endpoint(event['source'], event['source_meta']),
    destination: endpoint(event['destination'], event['destination_meta']),
    routeMeta: sorted(labelsOf(event['route_meta'])),
    proxyDirection: ['UNKNOWN', 'INBOUND', 'OUTBOUND'][direction] ?? String(direction),
    ...(request
      ? {
          requestInitEvent: {
            id: idOf(request.id),
            method: request.method ? methodText(request.method) : '',
            scheme: schemeText(request.scheme),
            authority: request.authority ?? '',
            path: request.path ?? '',
            headers: headersOf(request.headers),
          },
        }
      : {}),
    ...(response
      ? {
          responseInitEvent: {
            id: idOf(response.id),
            sinceRequestInit: response.since_request_init ?? null,
            httpStatus: response.http_status ?? 0,
            headers: headersOf(response.headers),
          },
        }
      : {}),
    ...(end
      ? {
          responseEndEvent: {
            id: idOf(end.id),
            sinceRequestInit: end.since_request_init ?? null,
            sinceResponseInit: end.since_response_init ?? null,
            responseBytes: end.response_bytes ?? 0,
            trailers: headersOf(end.trailers),
            grpcStatusCode: end.eos?.grpc_status_code ?? 0,
            ...(end.eos?.reset_error_code ? { resetErrorCode: end.eos.reset_error_code } : {}),
          },
        }
      : {}),
  };
}

/** Go has no empty map where nothing was sent. */
const sorted = (labels: Labels): Labels | null => {
  const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length > 0 ? Object.fromEntries(entries) : null;
};

const idOf = (id: Message | undefined) => ({ base: id?.['base'] ?? 0, stream: id?.['stream'] ?? 0 });

function headersOf(headers: Message | undefined): object[] | null {
  const list = (headers?.['headers'] ?? []) as Message[];
  if (list.length === 0) return null;
  return list.map(({ name = '', value_str: text, value_bin: bytes }) =>
    bytes === undefined
      ? { name, valueStr: text ?? '' }
      : { name, valueBin: Buffer.from(bytes as Uint8Array).toString('base64') },
  );
}
