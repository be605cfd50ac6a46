import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Preview } from '#server/http/preview.ts';
import { watchChanges } from '../../../src/cli/preview/changes.ts';

describe('changes of content', () => {
  let root: string;
  let stop = () => {};
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'academy-preview-'));
    mkdirSync(join(root, 'labs', 'one'), { recursive: true });
  });
  afterEach(() => {
    stop();
    rmSync(root, { recursive: true, force: true });
  });

  it('are told together, one call after the other, without what editors leave', async () => {
    const calls: string[][] = [];
    let heard = () => {};
    let running = 0;
    stop = watchChanges(root, ['labs'], async (files) => {
      expect(++running).toBe(1);
      calls.push(files);
      heard();
      await new Promise(setImmediate);
      running--;
    });
    const next = () => new Promise<void>((resolve) => (heard = resolve));
    const first = next();
    for (const name of ['lab.yaml', 'solution.sh', '.lab.yaml.swp', 'lab.yaml~'])
      writeFileSync(join(root, 'labs', 'one', name), 'x');
    await first;
    expect(calls).toEqual([[join('labs', 'one', 'lab.yaml'), join('labs', 'one', 'solution.sh')]]);
    const second = next();
    writeFileSync(join(root, 'labs', 'one', 'lab.yaml'), 'y');
    await second;
    expect(calls[1]).toEqual([join('labs', 'one', 'lab.yaml')]);
  });
});

describe('a page in the preview', () => {
  const app = new Hono();
  const preview = new Preview();
  preview.addTo(app);
  app.get('/page', (c) => c.html('<html><body>A lesson</body></html>'));
  app.get('/data', (c) => c.json({ body: '</body>' }));

  it('listens for changes by a script of its own', async () => {
    expect(await (await app.request('/page')).text()).toBe(
      '<html><body>A lesson<script src="/preview.js"></script></body></html>',
    );
    expect(await (await app.request('/data')).json()).toEqual({ body: '</body>' });
    expect(await (await app.request('/preview.js')).text()).toContain('EventSource');
  });

  it('hears of one', async () => {
    const response = await app.request('/api/preview');
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value ?? '';
    preview.changed('labs/one/lab.yaml');
    while (!/event: .*\n.*\n\n/.test(text)) text += (await reader.read()).value ?? '';
    expect(text).toContain('event: changed\ndata: labs/one/lab.yaml');
    await reader.cancel();
  });
});
