import { describe, expect, it } from 'vitest';
import { PALETTES } from '#workbench/terminal/palettes.ts';

/** Relative luminance and contrast, as WCAG 2.2 defines them. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high! + 0.05) / (low! + 0.05);
}

describe.each(Object.entries(PALETTES))('the %s terminal', (_name, palette) => {
  const { background, selectionBackground, cursorAccent, ...colours } = palette;
  const text = Object.entries(colours).filter(([name]) => !name.startsWith('scrollbar'));
  it.each(text)('%s can be read on the background', (_colour, value) => {
    expect(contrast(value, background)).toBeGreaterThanOrEqual(4.5);
  });
  it('can be read where it is selected', () => {
    expect(contrast(palette.foreground, selectionBackground)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(palette.cursor, cursorAccent)).toBeGreaterThanOrEqual(3);
  });
});
