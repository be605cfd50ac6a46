import { describe, expect, it } from 'vitest';
import { readSettings } from '#server/settings.ts';

describe('readSettings', () => {
  it('listens on loopback unless told otherwise', () => {
    expect(readSettings({})).toMatchObject({ host: '127.0.0.1', port: undefined, driver: 'auto', idleMs: 3_600_000 });
  });

  it('takes what it is given, and an empty value as not given', () => {
    expect(
      readSettings({
        HOST: '0.0.0.0',
        PORT: '8080',
        ACADEMY_IDLE_MINUTES: '',
        ACADEMY_ORIGINS: 'https://a.example, https://b.example',
      }),
    ).toMatchObject({
      host: '0.0.0.0',
      port: 8080,
      idleMs: 3_600_000,
      origins: ['https://a.example', 'https://b.example'],
    });
  });

  it('names every setting that does not fit, at once', () => {
    expect(() => readSettings({ PORT: 'abc', ACADEMY_DRIVER: 'minikube' })).toThrow(
      expect.objectContaining({ code: 'settings/invalid', message: expect.stringMatching(/PORT.*ACADEMY_DRIVER/) }),
    );
  });
});
