import { HOME } from '#terminal/workspace.ts';
import type { Box, DeskEvents } from '../desk.ts';
import { nulTerminated } from './records.ts';

/** Where `edit` leaves what it asks for: NAME.ask holds a path, NAME.answer is a pipe that it waits at. */
export const REQUESTS = '/run/academy/edit';

/** Prints the path and the text that a request is about. */
const READ = `path=$(cat -- "$1") && printf '%s\\0' "$path" && { [ ! -e "$path" ] || base64 -w0 -- "$path"; } && printf '\\0'`;
/** Writes the text where the request said, then answers it. */
const SAVE = `path=$(cat -- "$1.ask") && cat >"$path" && [ -p "$1.answer" ] && echo saved >"$1.answer"`;
const ANSWER = `[ ! -p "$1.answer" ] || echo "$2" >"$1.answer"`;
const MAX_BYTES = 1024 * 1024;

/** Texts that programs in a box ask the learner to edit. */
export class EditRequests {
  readonly #box: Box;
  readonly #openEditor: DeskEvents['openEditor'];
  readonly #open = new Map<string, AbortController>();

  constructor(box: Box, openEditor: DeskEvents['openEditor']) {
    this.#box = box;
    this.#openEditor = openEditor;
  }

  /** Looks at everything that is asked for, e.g. after nobody listened for a while. */
  async lookAround(): Promise<void> {
    const { stdout } = await this.#box.run(['sh', '-c', `ls -1 ${REQUESTS}`]);
    await this.changed(stdout.split('\n').map((name) => `${REQUESTS}/${name}`));
  }

  /** `paths`: absolute; what is no request is ignored. */
  async changed(paths: string[]): Promise<void> {
    for (const path of paths) {
      if (!path.startsWith(`${REQUESTS}/`) || !path.endsWith('.ask')) continue;
      const { code, stdout } = await this.#box.run(['sh', '-c', READ, 'sh', path]);
      const open = this.#open.get(path);
      if (code !== 0) open?.abort(new DOMException('given up', 'AbortError'));
      else if (!open) void this.#serve(path, stdout).catch(() => {});
    }
  }

  stop(): void {
    for (const open of this.#open.values()) open.abort(new DOMException('stopped', 'AbortError'));
  }

  async #serve(request: string, said: string): Promise<void> {
    const [path = '', encoded = ''] = nulTerminated(Buffer.from(said));
    const name = request.slice(0, -'.ask'.length);
    const content = Buffer.from(encoded, 'base64');
    if (content.length > MAX_BYTES || content.includes(0)) {
      await this.#box.run(['sh', '-c', ANSWER, 'sh', name, 'The editor opens texts of 1 MiB at most.']);
      return;
    }
    const abort = new AbortController();
    this.#open.set(request, abort);
    try {
      const shown = path.startsWith(`${HOME}/`) ? path.slice(HOME.length + 1) : path;
      const edited = await this.#openEditor(shown, content.toString('utf8'), abort.signal);
      if (abort.signal.aborted) return;
      if (edited === null) await this.#box.run(['sh', '-c', ANSWER, 'sh', name, 'closed']);
      else {
        const { code } = await this.#box.run(['sh', '-c', SAVE, 'sh', name], { stdin: edited });
        if (code !== 0) await this.#box.run(['sh', '-c', ANSWER, 'sh', name, 'The file could not be written.']);
      }
    } finally {
      this.#open.delete(request);
    }
  }
}
