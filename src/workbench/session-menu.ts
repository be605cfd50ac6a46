import { openKeyboardHelp } from './keyboard.ts';
import { createMenu } from './menu.ts';
import type { TerminalPane } from './terminal/terminal-pane.ts';

export interface SessionMenuOptions {
  lab: string;
  terminals: TerminalPane;
  reset(): void;
  hide(): void;
  end(): void;
}

/** What is needed now and then: downloads, how the terminal looks and speaks, and the ways out. */
export function createSessionMenu({ lab, terminals, reset, hide, end }: SessionMenuOptions): HTMLElement {
  return createMenu('Session menu', [
    { label: 'Download kubeconfig', href: `/api/labs/${lab}/kubeconfig`, download: `${lab}.kubeconfig` },
    { label: 'Download my files', href: `/api/labs/${lab}/files.tar`, download: `${lab}-files.tar` },
    { label: 'Larger terminal text', act: () => terminals.changeFontSize(1) },
    { label: 'Smaller terminal text', act: () => terminals.changeFontSize(-1) },
    {
      label: 'Screen reader mode for the terminal',
      act: () => terminals.setScreenReader(!terminals.screenReader),
      on: () => terminals.screenReader,
    },
    { label: 'Keyboard help', act: openKeyboardHelp },
    { label: 'Reset lab …', act: reset },
    { label: 'Back to reading, keep it running', act: hide },
    { label: 'End the session …', act: end },
  ]);
}
