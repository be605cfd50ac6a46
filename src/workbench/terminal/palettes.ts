/** The terminal's sixteen colours. Each can be read on the background at AA (4.5:1) or better, in light and in dark. */
export interface Palette {
  background: string;
  foreground: string;
  cursor: string;
  cursorAccent: string;
  selectionBackground: string;
  scrollbarSliderBackground: string;
  scrollbarSliderHoverBackground: string;
  scrollbarSliderActiveBackground: string;
  black: string;
  red: string;
  green: string;
  yellow: string;
  blue: string;
  magenta: string;
  cyan: string;
  white: string;
  brightBlack: string;
  brightRed: string;
  brightGreen: string;
  brightYellow: string;
  brightBlue: string;
  brightMagenta: string;
  brightCyan: string;
  brightWhite: string;
}

export const PALETTES: Record<'light' | 'dark', Palette> = {
  light: {
    background: '#fcfbf8',
    foreground: '#1c1f22',
    cursor: '#0b6b66',
    cursorAccent: '#fcfbf8',
    selectionBackground: '#cfe3e1',
    scrollbarSliderBackground: '#b9b3a566',
    scrollbarSliderHoverBackground: '#b9b3a5aa',
    scrollbarSliderActiveBackground: '#b9b3a5dd',
    black: '#1c1f22',
    red: '#a8322a',
    green: '#17704a',
    yellow: '#7a5508',
    blue: '#3a4a94',
    magenta: '#8a3d78',
    cyan: '#0b6b66',
    white: '#565b61',
    brightBlack: '#666b71',
    brightRed: '#bb3a30',
    brightGreen: '#1b7a50',
    brightYellow: '#8a6010',
    brightBlue: '#4d5fb0',
    brightMagenta: '#9c4a88',
    brightCyan: '#117a74',
    brightWhite: '#2b2f33',
  },
  dark: {
    background: '#0e1113',
    foreground: '#dedbd4',
    cursor: '#62c7bd',
    cursorAccent: '#0e1113',
    selectionBackground: '#2a4a4c',
    scrollbarSliderBackground: '#454d5588',
    scrollbarSliderHoverBackground: '#454d55bb',
    scrollbarSliderActiveBackground: '#454d55ee',
    black: '#7f868d',
    red: '#f08a7f',
    green: '#5fcb96',
    yellow: '#dcae55',
    blue: '#8ea0f0',
    magenta: '#e29ad0',
    cyan: '#62c7bd',
    white: '#d8d6d0',
    brightBlack: '#8a9198',
    brightRed: '#ffa79d',
    brightGreen: '#8fe0b6',
    brightYellow: '#f0cb82',
    brightBlue: '#b3c0ff',
    brightMagenta: '#f0bce3',
    brightCyan: '#96e0d8',
    brightWhite: '#f7f5f0',
  },
};
