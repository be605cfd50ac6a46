import mdx from '@astrojs/mdx';
import { defineConfig } from 'astro/config';
import { lazyStyles } from './src/site/lazy-styles.ts';

/**
 * The site is static: pages are written once by `academy build` and served by the academy's own server, which sends a
 * content security policy without inline scripts. So scripts and styles are always files of their own.
 */
export default defineConfig({
  srcDir: './src/site',
  publicDir: './public',
  outDir: './.academy/build/site',
  cacheDir: './.academy/build/astro',
  trailingSlash: 'ignore',
  integrations: [mdx(), lazyStyles()],
  devToolbar: { enabled: false },
  markdown: { syntaxHighlight: false },
  build: { inlineStylesheets: 'never' },
  vite: {
    build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 4000 },
    worker: { format: 'es' },
  },
});
