import { defineConfig } from 'vitest/config';

/** One project a kind of test. `npm test` runs them all; `npm run check` runs unit and content only. */
const project = (name: string, include: string[], testTimeout: number, retry = 0) => ({
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: testTimeout,
    environment: 'node' as const,
    retry,
    // What is waited for comes; how soon is for benchmarks.
    expect: { poll: { timeout: 15_000 } },
  },
});

/** Tests with clusters, browsers and clocks meet hosts that are busy. On CI they are tried once more, and the report says which. */
const AGAIN = process.env['CI'] ? 1 : 0;

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      project('unit', ['test/unit/**/*.test.ts'], 15_000),
      project('contract', ['test/contract/**/*.test.ts'], 60_000, AGAIN),
      project('golden', ['test/golden/**/*.test.ts'], 60_000),
      project('content', ['test/content/**/*.test.ts'], 60_000),
      project('labs', ['test/labs/**/*.test.ts'], 180_000, AGAIN),
      project('kind', ['test/kind/**/*.test.ts'], 120_000, AGAIN),
      project('e2e', ['test/e2e/**/*.test.ts'], 180_000, AGAIN),
    ],
  },
});
