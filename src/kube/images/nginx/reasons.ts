import { STATUS_CODES } from 'node:http';

/** Where nginx calls a status otherwise than Node does (ngx_http_header_filter_module.c). */
const REASONS: Record<number, string> = {
  302: 'Moved Temporarily',
  405: 'Not Allowed',
  408: 'Request Time-out',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Large',
  416: 'Requested Range Not Satisfiable',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
};
/** Those that it has no words for. */
const NAMELESS = new Set([407, 417, 418, 422, 423, 424, 425, 428, 431, 451, 508, 510, 511]);

/** What nginx writes behind a status; empty where it knows no words for it. */
export const reasonFor = (status: number): string =>
  REASONS[status] ?? (NAMELESS.has(status) ? '' : (STATUS_CODES[status] ?? ''));
