import { type Child, el } from '../element.ts';

/** A program waits for a text. */
export function waitingBanner(answer: (save: boolean) => void): Child[] {
  return [
    el('p', null, 'The terminal waits for this text. Nothing happens until you answer.'),
    el('button', { type: 'button', class: 'primary', onclick: () => answer(true) }, 'Save & close'),
    el('button', { type: 'button', onclick: () => answer(false) }, 'Give up'),
  ];
}

export interface ConflictChoices {
  keepMine(): void;
  takeTheirs(): void;
  compare(): void;
}

/** A file was changed here and in the session. `gone`: it was removed there. */
export function conflictBanner(path: string, gone: boolean, choices: ConflictChoices): Child[] {
  const said = gone
    ? `${path} was removed in the terminal while you edited it here. Your text is still here.`
    : `${path} was changed in the terminal while you edited it here. Both texts are kept.`;
  return [
    el('p', null, said),
    el('button', { type: 'button', onclick: () => choices.keepMine() }, gone ? 'Write it again' : 'Keep mine'),
    el('button', { type: 'button', onclick: () => choices.takeTheirs() }, gone ? 'Let it go' : 'Take the other'),
    !gone && el('button', { type: 'button', class: 'quiet', onclick: () => choices.compare() }, 'Compare'),
  ];
}
