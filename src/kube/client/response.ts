import type { ApiResponse } from '#kube/api/http.ts';
import { failure, type Status, StatusError, type StatusReason } from '#kube/api/status.ts';

/** Throws the StatusError that a failing answer carries. */
export async function refuseFailure(response: ApiResponse): Promise<ApiResponse> {
  if (response.status < 400) return response;
  const { body } = response;
  if (body.type === 'object' && (body.value as Status | undefined)?.kind === 'Status') {
    throw new StatusError(body.value as Status);
  }
  const [reason, words] = GENERIC[response.status] ?? ['InternalError', undefined];
  const text = await textOf(response);
  const message = words ?? `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`;
  const error = failure(reason, reason === 'Forbidden' ? text : message);
  error.status.code = response.status;
  throw error;
}

/** What clients say of an answer that is no Status, such as a program's own behind `pods/proxy`. Source: apimachinery/pkg/api/errors.NewGenericServerResponse. */
const GENERIC: Record<number, [Exclude<StatusReason, ''>, string]> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  403: ['Forbidden', ''],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: [
    'Timeout',
    'the server was unable to return a response in the time allotted, but may still be processing the request',
  ],
};

/** The object of an answer; a failing one throws. */
export async function expectObject(response: ApiResponse): Promise<unknown> {
  const { body } = await refuseFailure(response);
  if (body.type === 'object') return body.value;
  const text = await textOf(response);
  return text === '' ? undefined : JSON.parse(text);
}

/** An answer's body as text, whichever way it came. */
export async function textOf(response: ApiResponse): Promise<string> {
  const { body } = response;
  switch (body.type) {
    case 'text':
      return body.value;
    case 'object':
      return JSON.stringify(body.value);
    case 'stream': {
      const parts: Uint8Array[] = [];
      for await (const chunk of body.chunks) parts.push(chunk);
      return Buffer.concat(parts).toString('utf8');
    }
    case 'events':
      return '';
  }
}
