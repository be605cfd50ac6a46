import type { Clock } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';
import type { Command, CommandContext } from '#shell/command.ts';
import { inWords, parseDuration } from './duration.ts';

export interface AcademyOptions {
  /** The cluster's clock. */
  clock: Clock;
  wall: Clock;
  advanceClock?(ms: number): Promise<void>;
}

/** Furthest move of the clock in one go. */
const FURTHEST_MS = 10 * 365 * 86_400_000;

const HELP = `academy: what belongs to this lab, beside the programs that you know

  academy help                 this text
  academy clock                the time of the cluster
  academy clock advance 12h    move the cluster's clock forward, where the lab allows it
                               (units: s, m, h, d, w; for example 90m, 1d12h)

\`help\` lists the programs. Files here and in the editor are the same.
`;

/** `academy` in the lab terminal. */
export function academy(options: AcademyOptions): Command {
  return {
    name: 'academy',
    summary: 'help with this lab, and the clock of its cluster',
    async execute(context) {
      const [verb, ...rest] = context.args;
      if (verb === undefined || verb === 'help' || verb === '--help' || verb === '-h') {
        await context.stdout.write(HELP);
        return 0;
      }
      if (verb === 'clock') return clock(options, rest, context);
      await context.stderr.write(`academy: unknown command "${verb}"; see \`academy help\`\n`);
      return 2;
    },
    async complete(words) {
      const last = words.at(-1) ?? '';
      const candidates =
        words.length === 2 ? ['clock', 'help'] : words[1] === 'clock' && words.length === 3 ? ['advance'] : [];
      return candidates.filter((each) => each.startsWith(last));
    },
  };
}

const stamp = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');

async function clock(options: AcademyOptions, args: string[], context: CommandContext): Promise<number> {
  const fail = async (text: string, code = 2) => {
    await context.stderr.write(`academy: ${text}\n`);
    return code;
  };
  if (args.length === 0) {
    await context.stdout.write(told(options));
    return 0;
  }
  if (args[0] !== 'advance' || args.length !== 2)
    return fail('say `academy clock`, or for example `academy clock advance 12h`');
  if (!options.advanceClock) return fail("the clock of this lab stays with the wall's; it can't be moved", 1);
  const ms = parseDuration(args[1]!, true);
  if (ms === undefined) return fail(`"${args[1]}" is not a duration; say for example 90m, 12h or 3d`);
  if (ms <= 0) return fail('a clock only moves forward');
  if (ms > FURTHEST_MS) return fail('ten years are the most in one go');
  try {
    await options.advanceClock(ms);
  } catch (error) {
    return fail(messageOf(error), 1);
  }
  await context.stdout.write(told(options));
  return 0;
}

function told({ clock: cluster, wall }: AcademyOptions): string {
  const ahead = cluster.now() - wall.now();
  const same = Math.abs(ahead) < 1_000;
  return `${stamp(cluster.now())}${same ? '' : `  (the cluster is ${inWords(ahead)} ${ahead > 0 ? 'ahead of' : 'behind'} your own clock)`}\n`;
}
