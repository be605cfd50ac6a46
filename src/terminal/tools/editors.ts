import type { Command, CommandContext } from '#shell/command.ts';
import { textOf } from '../workspace.ts';

type OpenEditor = (path: string, content: string, signal: AbortSignal) => Promise<string | null>;

const NAMES = ['edit', 'vi', 'vim', 'nano', 'code', 'emacs'];

/** Every editor is the editor pane of the page. Exit code 0 when saved, 1 when given up. */
export function editors(open: OpenEditor): Command[] {
  return NAMES.map((name) => ({
    name,
    summary: 'edit a file in the editor beside the terminal',
    execute: (context) => edit(name, open, context),
  }));
}

async function edit(name: string, open: OpenEditor, context: CommandContext): Promise<number> {
  const { args, cwd, fs, signal, stderr, stdout, tty } = context;
  const say = async (text: string) => {
    await stderr.write(`${name}: ${text}\n`);
    return 1;
  };
  if (args.includes('--help')) {
    await stdout.write(
      `Usage: ${name} FILE…\nOpens the files, one after the other, in the editor beside the terminal.\n`,
    );
    return 0;
  }
  const files = args.filter((arg) => !/^[-+]/.test(arg));
  if (files.length === 0) return say('which file? The editor is beside the terminal: `' + name + ' FILE`');
  if (!tty) return say('there is no terminal, and so nobody who could edit');
  for (const file of files) {
    const path = fs.resolvePath(cwd, file);
    const stat = await fs.stat(path).catch(() => undefined);
    if (stat?.isDirectory) return say(`${file} is a directory`);
    const before = stat ? textOf(await fs.readFileBuffer(path)) : '';
    if (before === undefined) return say(`${file} is not text`);
    await stdout.write(`Editing ${file} in the editor pane; close it there, or press Ctrl-C here to give up.\n`);
    const after = await open(path, before, signal);
    if (after === null) return say(`${file} was left as it was`);
    if (after !== before || !stat) await fs.writeFile(path, after);
  }
  return 0;
}
