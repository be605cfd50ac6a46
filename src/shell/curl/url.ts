import { CurlFailure } from './failure.ts';

/** Most requests that one URL with `[1-9]` or `{a,b}` may become. */
const MOST = 10_000;

export interface Target {
  url: URL;
  scheme: 'http' | 'https';
  /** Without the brackets of an IPv6 address. */
  host: string;
  port: number;
  /** Path and query as they were written. */
  asIs: string;
}

export function targetOf(text: string): Target {
  const withScheme = /^[a-zA-Z][\w+.-]*:\/\//.test(text) ? text : `http://${text}`;
  const scheme = withScheme.slice(0, withScheme.indexOf(':')).toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') throw new CurlFailure(1, `Protocol "${scheme}" not supported`);
  if (/[\s\x00-\x1f]/.test(withScheme)) throw new CurlFailure(3, 'URL rejected: Malformed input to a URL function');
  const port = /^[a-z]+:\/\/[^/?#]*:(\d+)(?:[/?#]|$)/i.exec(withScheme)?.[1];
  if (port !== undefined && Number(port) > 65_535)
    throw new CurlFailure(3, 'URL rejected: Port number was not a decimal number between 0 and 65535');
  let url: URL;
  try {
    url = new URL(withScheme);
  } catch {
    throw new CurlFailure(
      3,
      /^https?:\/\/(?:[:/?#]|$)/i.test(withScheme)
        ? 'URL rejected: No host part in the URL'
        : 'URL rejected: Malformed input to a URL function',
    );
  }
  return {
    url,
    scheme,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (scheme === 'https' ? 443 : 80),
    asIs: /^[a-z+.-]+:\/\/[^/?#]*([^#]*)/i.exec(withScheme)?.[1]?.replace(/^(?!\/)/, '/') ?? '/',
  };
}

/** All URLs that a URL with ranges and lists stands for. */
export function expandUrl(text: string): string[] {
  const match = /\{([^{}]*)\}|\[(\d+)-(\d+)(?::(\d+))?\]|\[([a-zA-Z])-([a-zA-Z])\]/.exec(text);
  if (!match) return [text];
  const [all, list, from, to, step, first, last] = match;
  let values: string[];
  if (list !== undefined) values = list.split(',');
  else if (from !== undefined && to !== undefined) {
    const stride = Number(step ?? 1);
    const count = stride > 0 ? Math.floor((Number(to) - Number(from)) / stride) + 1 : 0;
    if (count < 1 || count > MOST) throw new CurlFailure(3, `bad range in URL position ${match.index + 1}`);
    const width = from.startsWith('0') ? from.length : 0;
    values = Array.from({ length: count }, (_, i) => String(Number(from) + i * stride).padStart(width, '0'));
  } else {
    const start = first!.charCodeAt(0);
    const count = last!.charCodeAt(0) - start + 1;
    if (count < 1) throw new CurlFailure(3, `bad range in URL position ${match.index + 1}`);
    values = Array.from({ length: count }, (_, i) => String.fromCharCode(start + i));
  }
  const head = text.slice(0, match.index);
  const tails = expandUrl(text.slice(match.index + all.length));
  if (values.length * tails.length > MOST) throw new CurlFailure(3, `more than ${MOST} URLs`);
  return values.flatMap((value) => tails.map((tail) => head + value + tail));
}
