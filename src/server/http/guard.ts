import { AcademyError } from '#base/errors.ts';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

export interface GuardOptions {
  /** The address the server was told to listen on. */
  host: string;
  /** Origins allowed beside the server's own, e.g. `https://academy.example`. */
  origins: string[];
}

/**
 * Refuses requests that another site made in the learner's name. `host` and `origin` are header values. A server on
 * loopback also refuses foreign Host names, so that a name rebound to 127.0.0.1 cannot read a session.
 */
export function checkOrigin(options: GuardOptions, host: string | undefined, origin: string | undefined): void {
  const hostname = (host ?? '').replace(/:\d+$/, '');
  const trusted = options.origins.map((o) => new URL(o).host);
  if (LOOPBACK.has(options.host) && !LOOPBACK.has(hostname) && !trusted.includes(host ?? '')) {
    throw new AcademyError('request/origin', 'This academy listens on this machine only.');
  }
  if (origin === undefined) return;
  const own = [`http://${host}`, `https://${host}`];
  if (!own.includes(origin) && !options.origins.includes(origin)) {
    throw new AcademyError('request/origin', 'This request came from another site.');
  }
}

/** Headers of every page. Monaco and xterm set element styles, hence 'unsafe-inline' for styles and for them only. */
export const SECURITY_HEADERS: Record<string, string> = {
  'content-security-policy': [
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};
