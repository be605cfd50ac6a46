import type { ApiResponse } from '#kube/api/http.ts';
import { failure, type Status, StatusError } from '#kube/api/status.ts';

/** Throws the StatusError that a failing answer carries. */
export async function refuseFailure(response: ApiResponse): Promise<ApiResponse> {
  if (response.status < 400) return response;
  const { body } = response;
  if (body.type === 'object' && (body.value as Status | undefined)?.kind === 'Status') {
    throw new StatusError(body.value as Status);
  }
  const error = failure('InternalError', (await textOf(response)) || `the server answered ${response.status}`);
  error.status.code = response.status;
  throw error;
}

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
