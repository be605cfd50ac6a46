import type { ApiResponse } from '#kube/api/http.ts';
import { decode, encode, type Message } from '#mesh/api/protobuf.ts';
import { apiError, ERROR_HEADER, pathOf, tapByResourceRequest, unframed, vizEvent } from '#mesh/viz/tap-api.ts';
import { Failure, type Invocation } from '../verb.ts';

/** Begins to tap; resolves when the API server has answered, which is with the first event or an error. Throws a Failure. */
export async function openTap({ client, context }: Invocation, request: Message): Promise<AsyncGenerator<Message>> {
  const { signal } = context;
  const answer = await client.transport.request({
    method: 'POST',
    path: pathOf(request),
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/octet-stream' },
    body: encode(tapByResourceRequest, request),
    signal,
  });
  const problem = await problemOf(answer);
  if (problem !== undefined) throw new Failure(problem);
  return events(chunksOf(answer));
}

async function* events(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Message> {
  for await (const bytes of unframed(chunks)) yield decode(vizEvent, bytes);
}

async function* chunksOf({ body }: ApiResponse): AsyncGenerator<Uint8Array> {
  if (body.type === 'stream') yield* body.chunks;
  else if (body.type === 'text') yield Buffer.from(body.value);
  else if (body.type === 'object') yield Buffer.from(JSON.stringify(body.value));
}

/** What an answer that is none says of itself (pkg/protohttp). */
async function problemOf(answer: ApiResponse): Promise<string | undefined> {
  const { status, headers = {} } = answer;
  if (headers[ERROR_HEADER] !== undefined) {
    for await (const bytes of unframed(chunksOf(answer))) return decode(apiError, bytes)['error'] ?? '';
    return `response has ${ERROR_HEADER} header [${headers[ERROR_HEADER]}], but response body didn't contain protobuf error`;
  }
  if (status === 200) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(answer)) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  return `HTTP error, status Code [${status}] (${statusMessage(body) ?? unexpected(body)})`;
}

const unexpected = (body: string): string => `unexpected API response${body === '' ? '' : `: ${body}`}`;

function statusMessage(body: string): string | undefined {
  try {
    const value = JSON.parse(body);
    return value.kind === 'Status' ? value.message : undefined;
  } catch {
    return undefined;
  }
}
