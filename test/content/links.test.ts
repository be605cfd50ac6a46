import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { ensureBuilt } from '../../src/cli/build/build.ts';

let pages: Map<string, string>;
let files: Set<string>;

beforeAll(async () => {
  const { siteDir } = await ensureBuilt(() => {}, ['site']);
  const entries = await readdir(siteDir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => `/${join(entry.parentPath, entry.name).slice(siteDir.length + 1)}`.replaceAll('\\', '/'));
  files = new Set(paths);
  pages = new Map();
  for (const path of paths.filter((p) => p.endsWith('.html')))
    pages.set(path.replace(/index\.html$/, ''), await readFile(join(siteDir, path), 'utf8'));
}, 120_000);

/** Every address in a page: links, scripts, styles, pictures. */
const addresses = (html: string) =>
  [...html.matchAll(/\s(?:href|src|data-next)="([^"]*)"/g)].map((match) => match[1]!.replaceAll('&amp;', '&'));

it('every link of the built site leads somewhere', () => {
  expect(pages.size).toBeGreaterThan(5);
  const dangling: string[] = [];
  for (const [page, html] of pages) {
    for (const address of addresses(html)) {
      if (/^https:\/\//.test(address)) continue;
      const url = new URL(address, `http://site${page}`);
      const target = pages.get(url.pathname) ?? pages.get(`${url.pathname}/`);
      if (target === undefined && !files.has(url.pathname)) dangling.push(`${page} → ${address}`);
      else if (url.hash && !target?.includes(`id="${decodeURIComponent(url.hash.slice(1))}"`))
        dangling.push(`${page} → ${address}`);
    }
  }
  expect(dangling).toEqual([]);
});

it('no page carries a script or a style of its own, which the content security policy would refuse', () => {
  for (const [page, html] of pages) {
    expect(html.match(/<script(?![^>]*\ssrc=)[^>]*>/g) ?? [], page).toEqual([]);
    expect(html.match(/<style[^>]*>|\sstyle="|\son[a-z]+="/g) ?? [], page).toEqual([]);
  }
});

it('every page has one main heading, a language, a title and a description', () => {
  for (const [page, html] of pages) {
    expect(html.match(/<h1\b/g)?.length, page).toBe(1);
    expect(html, page).toMatch(/<html lang="en">/);
    expect(html, page).toMatch(/<title>[^<]+<\/title>/);
    expect(html, page).toMatch(/<meta name="description" content="[^"]+"/);
  }
});
