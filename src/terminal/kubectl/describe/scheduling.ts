import type { Writer } from './write.ts';

interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
}

/** `Tolerations:`, one a line. */
export function tolerationLines(w: Writer, level: number, tolerations: Toleration[]): void {
  if (tolerations.length === 0) {
    w.line(level, 'Tolerations:\t<none>');
    return;
  }
  const sorted = [...tolerations].sort((a, b) =>
    (a.key ?? '') < (b.key ?? '') ? -1 : (a.key ?? '') > (b.key ?? '') ? 1 : 0,
  );
  const texts = sorted.map(({ key = '', operator, value, effect, tolerationSeconds }) => {
    let text = key;
    if (value) text += `=${value}`;
    if (effect) text += `:${effect}`;
    if (operator === 'Exists' && !value) text += key === '' && !effect ? 'op=Exists' : ' op=Exists';
    if (tolerationSeconds !== undefined) text += ` for ${tolerationSeconds}s`;
    return text;
  });
  texts.forEach((text, i) => {
    w.line(level, `${i === 0 ? 'Tolerations:' : ''}\t${text}`);
  });
}
