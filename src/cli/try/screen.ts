/** What the keys of a prompt line do. */
export type Key = { line: string } | { end: true } | undefined;

/** A line being typed: printable keys, Backspace, Ctrl-U, Enter, Ctrl-C and Ctrl-D. Other keys are not known here. */
export class PromptLine {
  text = '';

  /** Takes what the terminal sent; yields a line for each Enter, or the wish to end. */
  *take(data: string): Generator<NonNullable<Key>> {
    // A key that sends an escape sequence, such as an arrow, is left out as a whole.
    for (const key of data.replaceAll(/\x1b(\[[0-9;]*[A-Za-z~]|.)/g, '')) {
      if (key === '\x03' || (key === '\x04' && this.text === '')) yield { end: true };
      else if (key === '\r' || key === '\n') {
        const line = this.text;
        this.text = '';
        yield { line };
      } else if (key === '\x7f' || key === '\b') this.text = [...this.text].slice(0, -1).join('');
      else if (key === '\x15') this.text = '';
      else if (key >= ' ') this.text += key;
    }
  }
}

/** The whole screen: the panel above, what commands printed below it, the prompt at the end. */
export function frame(panel: string[], output: string[], prompt: string, rows: number): string {
  const room = Math.max(0, rows - panel.length - 2);
  const below = room > 0 ? output.slice(-room) : [];
  const all = [...panel, ...(below.length > 0 ? ['', ...below] : ['']), prompt];
  // What does not fit is cut from the top, so that the prompt is always there.
  return `\x1b[H\x1b[2J${all.slice(-rows).join('\r\n')}`;
}
