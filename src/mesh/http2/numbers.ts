/** Frame types, flags and errors of RFC 9113, and the limits that this side sets. */
export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const ACK = 0x1;
export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY = 0x20;

export const NO_ERROR = 0;
export const PROTOCOL_ERROR = 1;
export const INTERNAL_ERROR = 2;
export const FLOW_CONTROL_ERROR = 3;
export const STREAM_CLOSED = 5;
export const FRAME_SIZE_ERROR = 6;
export const REFUSED_STREAM = 7;
export const CANCEL = 8;
export const COMPRESSION_ERROR = 9;
export const ENHANCE_YOUR_CALM = 11;

const REASONS = [
  'not a result of an error',
  'unspecific protocol error detected',
  'unexpected internal error encountered',
  'flow-control protocol violated',
  'settings ACK not received in timely manner',
  'received frame when stream half-closed',
  'frame with invalid size',
  'refused stream before processing any application logic',
  'stream no longer needed',
  'unable to maintain the header compression context',
  'connection established in response to a CONNECT request was reset or abnormally closed',
  'detected excessive load generating behavior',
  'security properties do not meet minimum requirements',
  'endpoint requires HTTP/1.1',
];
/** How the proxy's HTTP/2 library words the reason of a reset. */
export const reasonText = (code: number): string => REASONS[code] ?? 'unknown reason';

export const LARGEST_WINDOW = 2 ** 31 - 1;
/** What a peer may send on one stream before it is read. */
export const STREAM_WINDOW = 1 << 20;

/** What a client begins a connection with. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** Bytes of the largest frame that this side takes and sends; what all peers take. */
export const MOST_FRAME = 16_384;
/** Bytes of the largest header block. */
export const MOST_BLOCK = 512 * 1024;
/** Every window's size before anybody says another. */
export const FIRST_WINDOW = 65_535;
/** What a peer may send on all streams together. */
export const CONNECTION_WINDOW = 1 << 24;
/** Requests that a client may have at once. */
export const MOST_STREAMS = 1_000;
