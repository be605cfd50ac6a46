import type * as Monaco from 'monaco-editor/editor/editor.api';
import type { Scheme } from '../colour-scheme.ts';
import { PALETTES } from '../terminal/palettes.ts';

export const themeFor = (scheme: Scheme): string => `academy-${scheme}`;

const hex = (colour: string): string => colour.slice(1);

/** The site's colours for the editor, made from the same palettes as the terminal's, so both read alike. */
export function defineThemes(monaco: typeof Monaco): void {
  for (const scheme of ['light', 'dark'] as const) {
    const p = PALETTES[scheme];
    const dark = scheme === 'dark';
    monaco.editor.defineTheme(themeFor(scheme), {
      base: dark ? 'vs-dark' : 'vs',
      inherit: true,
      rules: [
        { token: '', foreground: hex(p.foreground) },
        { token: 'comment', foreground: hex(p.brightBlack), fontStyle: 'italic' },
        { token: 'type', foreground: hex(p.cyan) },
        { token: 'keyword', foreground: hex(p.magenta) },
        { token: 'string', foreground: hex(p.green) },
        { token: 'string.yaml', foreground: hex(p.green) },
        { token: 'number', foreground: hex(p.blue) },
        { token: 'tag', foreground: hex(p.red) },
        { token: 'variable', foreground: hex(p.yellow) },
        { token: 'operators', foreground: hex(p.white) },
        { token: 'delimiter', foreground: hex(p.white) },
      ],
      colors: {
        'editor.background': p.background,
        'editor.foreground': p.foreground,
        'editor.lineHighlightBackground': dark ? '#15191c' : '#f5f3ee',
        'editor.lineHighlightBorder': '#00000000',
        'editor.selectionBackground': p.selectionBackground,
        'editorCursor.foreground': p.cursor,
        'editorLineNumber.foreground': dark ? '#858c93' : '#6b7075',
        'editorLineNumber.activeForeground': p.foreground,
        'editorIndentGuide.background1': dark ? '#23292e' : '#e6e2d9',
        'editorError.foreground': p.red,
        'editorWarning.foreground': p.yellow,
        'editorWidget.background': dark ? '#191d21' : '#f5f3ee',
        'editorWidget.border': dark ? '#454d55' : '#b9b3a5',
        'editorSuggestWidget.selectedBackground': dark ? '#16302f' : '#e0efec',
        'editorSuggestWidget.selectedForeground': p.foreground,
        'editorSuggestWidget.highlightForeground': p.cyan,
        'editorSuggestWidget.focusHighlightForeground': p.cyan,
        focusBorder: p.cyan,
      },
    });
  }
}
