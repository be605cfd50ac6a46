import './styles/layout.css';
import './styles/terminal.css';
import './styles/editor.css';
import './styles/views.css';
import '@xterm/xterm/css/xterm.css';
import type { SessionView } from '#schema/protocol.ts';
import { Workbench } from './workbench.ts';

export interface OpenOptions {
  lab: string;
  session: SessionView;
  /** The learner pressed Start just now. */
  begun: boolean;
  /** Address of the next lesson. */
  next: string | undefined;
  /** The learner went back to reading; the session goes on. */
  onHidden(): void;
  /** The session is over, and the learner left it. */
  onGone(): void;
}

let workbench: Workbench | undefined;

/** Opens the workbench beside the prose, once. */
export function openWorkbench(options: OpenOptions): void {
  workbench?.dispose();
  workbench = new Workbench({
    ...options,
    onClosed: (running) => {
      workbench = undefined;
      if (running) options.onHidden();
      else options.onGone();
    },
  });
}
