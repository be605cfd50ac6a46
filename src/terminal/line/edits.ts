import type { EditBuffer } from './buffer.ts';

type Edit = (buffer: EditBuffer) => void;

const left: Edit = (buffer) => buffer.left();
const right: Edit = (buffer) => buffer.right();
const lineStart: Edit = (buffer) => {
  buffer.cursor = buffer.lineStart();
};
const lineEnd: Edit = (buffer) => {
  buffer.cursor = buffer.lineEnd();
};
const wordLeft: Edit = (buffer) => {
  buffer.cursor = buffer.wordLeft();
};
const wordRight: Edit = (buffer) => {
  buffer.cursor = buffer.wordRight();
};
const recase =
  (change: (word: string) => string): Edit =>
  (buffer) => {
    buffer.remember();
    buffer.recase(change);
  };
const capitalized = (word: string): string =>
  word.toLowerCase().replace(/[\p{L}\p{N}]/u, (first) => first.toUpperCase());

/** Keys that need nothing but the line itself. */
export const EDITS: Record<string, Edit> = {
  left,
  'ctrl-b': left,
  right,
  'ctrl-f': right,
  home: lineStart,
  'ctrl-a': lineStart,
  end: lineEnd,
  'ctrl-e': lineEnd,
  'alt-b': wordLeft,
  'ctrl-left': wordLeft,
  'alt-left': wordLeft,
  'alt-f': wordRight,
  'ctrl-right': wordRight,
  'alt-right': wordRight,
  'alt-u': recase((word) => word.toUpperCase()),
  'alt-l': recase((word) => word.toLowerCase()),
  'alt-c': recase(capitalized),
};
