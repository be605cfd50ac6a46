import type { IncomingMessage } from 'node:http';

/** The head of an HTTP/1 request as it goes on before its bytes, without what only proxies say to each other. */
export function requestHead(request: IncomingMessage): string {
  const lines = [`${request.method} ${request.url} HTTP/1.1`];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    if (!request.rawHeaders[i]!.toLowerCase().startsWith('l5d-')) {
      lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    }
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
