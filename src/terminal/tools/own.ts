import type { Command, CommandContext } from '#shell/command.ts';
import type { History } from '../line/history.ts';
import { NOT_HERE } from './not-here.ts';

export interface OwnOptions {
  history: History;
  commands(): Command[];
}

/** Programs that belong to the terminal itself: history, help, man. */
export function ownPrograms(options: OwnOptions): Command[] {
  return [history(options.history), help(options), man(options)];
}

function history(lines: History): Command {
  return {
    name: 'history',
    summary: 'list the command lines typed so far',
    async execute({ args, stdout, stderr }: CommandContext) {
      if (args[0] === '-c') {
        lines.clear();
        return 0;
      }
      if (args.length > 0 && !/^\d+$/.test(args[0]!)) {
        await stderr.write(`bash: history: ${args[0]}: numeric argument required\n`);
        return 1;
      }
      const listed = lines.numbered(args[0] === undefined ? undefined : Number(args[0]));
      await stdout.write(listed.map(([number, line]) => `${String(number).padStart(5)}  ${line}\n`).join(''));
      return 0;
    },
  };
}

/** What a learner of a lab is likely to want first, in this order. */
const FIRST = ['kubectl', 'linkerd', 'step', 'openssl', 'curl', 'jq', 'yq', 'edit', 'academy'];

function help({ commands }: OwnOptions): Command {
  return {
    name: 'help',
    summary: 'list the programs that are here',
    async execute({ args, stdout, stderr }) {
      const all = commands();
      if (args[0]) {
        const found = all.find((command) => command.name === args[0]);
        if (!found) {
          await stderr.write(`help: no program "${args[0]}" here\n`);
          return 1;
        }
        await stdout.write(`${found.name}: ${found.summary ?? 'no summary'}\nSee \`${found.name} --help\`.\n`);
        return 0;
      }
      const first = FIRST.flatMap((name) => all.find((command) => command.name === name) ?? []);
      const rest = all
        .filter((command) => !first.includes(command) && command.summary !== NOT_HERE)
        .map((command) => command.name);
      let text = 'The shell is bash; these programs are here:\n\n';
      for (const { name, summary } of first) text += `  ${name.padEnd(10)}${summary ?? ''}\n`;
      text += `\nAnd: ${rest.sort().join(' ')}\n`;
      text += '\nTab completes, Ctrl-R searches what you typed before, Ctrl-C ends what runs.\n';
      text += 'The files here and in the editor are the same.\n';
      await stdout.write(text);
      return 0;
    },
  };
}

function man({ commands }: OwnOptions): Command {
  return {
    name: 'man',
    summary: 'say where a program explains itself',
    async execute({ args, stdout, stderr }) {
      const name = args.findLast((each) => !each.startsWith('-') && !/^\d$/.test(each));
      if (!name) {
        await stderr.write('What manual page do you want?\nFor example, try `man kubectl`.\n');
        return 1;
      }
      const found = commands().find((command) => command.name === name);
      if (!found) {
        await stderr.write(`No manual entry for ${name}\n`);
        return 16;
      }
      const summary = found.summary ? `${name} - ${found.summary}\n` : '';
      await stdout.write(`${summary}There are no manual pages here; see \`${name} --help\`.\n`);
      return 0;
    },
  };
}
