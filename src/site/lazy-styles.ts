import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AstroIntegration } from 'astro';

/** Modules that are loaded on demand; their style sheets come with them. */
const LAZY = ['open', 'monaco'];

/**
 * Astro links the styles of everything a page's script can ever load into the page itself. The workbench and its editor
 * are loaded on Start lab, together with their styles; a reader must not wait for them.
 */
export function lazyStyles(): AstroIntegration {
  const link = new RegExp(`<link rel="stylesheet" href="/_astro/(?:${LAZY.join('|')})\\.[^"]+\\.css">`, 'g');
  return {
    name: 'lazy-styles',
    hooks: {
      async 'astro:build:done'({ dir }) {
        const root = fileURLToPath(dir);
        for (const entry of await readdir(root, { recursive: true })) {
          if (!entry.endsWith('.html')) continue;
          const path = join(root, entry);
          const html = await readFile(path, 'utf8');
          const lean = html.replace(link, '');
          if (lean !== html) await writeFile(path, lean);
        }
      },
    },
  };
}
