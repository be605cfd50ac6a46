import { describe, expect, it } from 'vitest';
import { checkOrigin } from '#server/http/guard.ts';

const local = { host: '127.0.0.1', origins: [] };

describe('checkOrigin', () => {
  it('accepts the server’s own pages', () => {
    expect(() => checkOrigin(local, '127.0.0.1:4173', 'http://127.0.0.1:4173')).not.toThrow();
    expect(() => checkOrigin(local, 'localhost:4173', undefined)).not.toThrow();
    expect(() => checkOrigin(local, '[::1]:4173', 'http://[::1]:4173')).not.toThrow();
  });

  it.each([
    ['another site', '127.0.0.1:4173', 'https://evil.example'],
    ['another port of this machine', '127.0.0.1:4173', 'http://127.0.0.1:9999'],
    ['a name rebound to loopback', 'evil.example:4173', 'http://evil.example:4173'],
    ['an opaque origin', '127.0.0.1:4173', 'null'],
    ['no host at all', undefined, 'http://127.0.0.1:4173'],
  ])('refuses %s', (_what, host, origin) => {
    expect(() => checkOrigin(local, host, origin)).toThrow(expect.objectContaining({ code: 'request/origin' }));
  });

  it('accepts an origin that the settings name, and the Host that a proxy passes on with it', () => {
    const behindProxy = { host: '127.0.0.1', origins: ['https://academy.example'] };
    expect(() => checkOrigin(behindProxy, 'academy.example', 'https://academy.example')).not.toThrow();
    expect(() => checkOrigin(behindProxy, 'other.example', 'https://academy.example')).toThrow();
  });

  it('accepts any Host when the server was told to listen everywhere, but still no foreign origin', () => {
    const open = { host: '0.0.0.0', origins: [] };
    expect(() => checkOrigin(open, 'workshop.lan:80', 'http://workshop.lan:80')).not.toThrow();
    expect(() => checkOrigin(open, 'workshop.lan:80', 'http://evil.example')).toThrow();
  });
});
