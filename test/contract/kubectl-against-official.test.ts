import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { officialKubectl, whyNoKubectl } from '../support/official-kubectl.ts';
import { type Answer, normalise, officialRunner, ourRunner, type Runner, splitWords } from './kubectl/run.ts';
import { createWorld, type World } from './kubectl/world.ts';

interface Command {
  run: string;
  stdin?: string;
  /** Lines of stdout may come in any order. */
  anyOrder?: boolean;
  /** Why the texts are not the same; the exit codes still are. */
  differs?: string;
}
interface Group {
  group: string;
  files?: Record<string, string>;
  commands: (string | Command)[];
}

const LEAST_ALIKE = 150;
const groups = parse(readFileSync(join(import.meta.dirname, 'kubectl-commands.yaml'), 'utf8')) as Group[];
const commandsOf = ({ commands }: Group): Command[] =>
  commands.map((each) => (typeof each === 'string' ? { run: each } : each));

/** An answer as one text, as far as it must be the same. */
function shown({ stdout, stderr, code }: Answer, { anyOrder, differs }: Command): string {
  if (differs) return `exit code ${code}`;
  const out = anyOrder ? stdout.split('\n').sort().join('\n') : stdout;
  return `${normalise(out)}--- stderr\n${normalise(stderr)}--- exit code ${code}`;
}

describe.skipIf(whyNoKubectl !== undefined)('our kubectl and the official one', () => {
  it(`are held to each other by at least ${LEAST_ALIKE} commands`, () => {
    const alike = groups.flatMap(commandsOf).filter(({ differs }) => differs === undefined);
    expect(alike.length).toBeGreaterThanOrEqual(LEAST_ALIKE);
  });

  describe.each(groups)('$group', (group) => {
    let worlds: [World, World];
    let official: Runner;
    let ours: Runner;

    beforeAll(async () => {
      worlds = [await createWorld(), await createWorld()];
      official = officialRunner(officialKubectl(), worlds[0], group.files ?? {});
      ours = ourRunner(worlds[1], group.files ?? {});
    });
    afterAll(async () => {
      official.close();
      ours.close();
      await Promise.all(worlds.map((world) => world.close()));
    });

    // In order: what a command changed, the next ones see.
    it.each(commandsOf(group))('$run', async (command) => {
      const words = splitWords(command.run).slice(1);
      const expected = await official.run(words, command.stdin);
      const actual = await ours.run(words, command.stdin);
      expect(shown(actual, command)).toBe(shown(expected, command));
    });
  });
});

if (whyNoKubectl !== undefined) {
  describe('the official kubectl', () => {
    it.skip(`is not compared: ${whyNoKubectl}`, () => {});
  });
}
