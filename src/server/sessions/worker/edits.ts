import { AcademyError } from '#base/errors.ts';
import { secretId } from '#base/ids.ts';
import type { ServerMessage } from '#schema/protocol.ts';

/** Texts that a program in the terminal waits for while the learner edits them in the page. */
export class Edits {
  readonly #open = new Map<string, (content: string | null) => void>();
  readonly #broadcast: (message: ServerMessage) => void;

  constructor(broadcast: (message: ServerMessage) => void) {
    this.#broadcast = broadcast;
  }

  /** Resolves with the edited text, or null when the learner gave up or the program was interrupted. */
  open(path: string, content: string, signal: AbortSignal): Promise<string | null> {
    const id = secretId();
    return new Promise((resolve) => {
      const settle = (edited: string | null) => {
        this.#open.delete(id);
        signal.removeEventListener('abort', onAbort);
        // Every page that shows this text closes it, whichever one answered.
        this.#broadcast({ type: 'edit.cancelled', id });
        resolve(edited);
      };
      const onAbort = () => settle(null);
      if (signal.aborted) return resolve(null);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#open.set(id, settle);
      this.#broadcast({ type: 'edit', id, path, content });
    });
  }

  done(id: string, content: string | null): void {
    const settle = this.#open.get(id);
    if (!settle) throw new AcademyError('request/invalid', 'Nothing waits for that text any more.');
    settle(content);
  }
}
