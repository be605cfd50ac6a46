import { type Child, el } from './element.ts';

/**
 * The little Markdown that solutions are written in: paragraphs, numbered and plain lists, headings, fenced code, and
 * code, bold and links inside a line. Made as elements, never as HTML, so that nothing in it can run.
 */
export function markdown(text: string): Child[] {
  const out: Child[] = [];
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    if (line.trim() === '') {
      at++;
      continue;
    }
    const fence = /^\s*```/.exec(line);
    if (fence) {
      const code: string[] = [];
      for (at++; at < lines.length && !/^\s*```/.test(lines[at]!); at++) code.push(lines[at]!);
      at++;
      out.push(el('pre', { tabindex: 0 }, el('code', null, code.join('\n'))));
      continue;
    }
    const heading = /^(#{1,4})\s+(.*)$/.exec(line);
    if (heading) {
      out.push(el('h3', null, inline(heading[2]!)));
      at++;
      continue;
    }
    const item = /^\s*(?:(\d+)\.|[-*])\s+/;
    if (item.test(line)) {
      const ordered = /^\s*\d+\./.test(line);
      const items: string[] = [];
      for (; at < lines.length && lines[at]!.trim() !== ''; at++) {
        if (item.test(lines[at]!)) items.push(lines[at]!.replace(item, ''));
        else items[items.length - 1] += ` ${lines[at]!.trim()}`;
      }
      out.push(
        el(
          ordered ? 'ol' : 'ul',
          null,
          items.map((words) => el('li', null, inline(words))),
        ),
      );
      continue;
    }
    const words: string[] = [];
    for (; at < lines.length && lines[at]!.trim() !== '' && !/^\s*```/.test(lines[at]!); at++)
      words.push(lines[at]!.trim());
    out.push(el('p', null, inline(words.join(' '))));
  }
  return out;
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:\/\/[^)\s]+)\)/g;

function inline(text: string): Child[] {
  const out: Child[] = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    out.push(text.slice(from, match.index));
    if (match[1] !== undefined) out.push(el('code', null, match[1]));
    else if (match[2] !== undefined) out.push(el('b', null, match[2]));
    else out.push(el('a', { href: match[4], rel: 'noreferrer', target: '_blank' }, match[3]));
    from = match.index + match[0].length;
  }
  out.push(text.slice(from));
  return out;
}
