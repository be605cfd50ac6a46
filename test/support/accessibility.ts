import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const source = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  help: string;
  nodes: { target: string[]; failureSummary?: string }[];
}

/**
 * What axe finds wrong on a page, one line each. Monaco's and xterm's insides are theirs: both draw text that only a
 * screen reader's own mode is meant to read.
 */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  // The site's policy forbids scripts that are not its own; a debugger's evaluation is not a script of the page.
  await page.evaluate(await source);
  const violations = await page.evaluate(async () => {
    const axe = (
      globalThis as unknown as {
        axe: { run(context: unknown, options: unknown): Promise<{ violations: Violation[] }> };
      }
    ).axe;
    const context = { exclude: [['.monaco-editor'], ['.xterm']] };
    const options = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
    return (await axe.run(context, options)).violations;
  });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      (node) =>
        `${id}: ${help} at ${node.target.join(' ')}${node.failureSummary ? ` (${node.failureSummary.replaceAll('\n', ' ')})` : ''}`,
    ),
  );
}
