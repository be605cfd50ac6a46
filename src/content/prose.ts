/** Where something stands in a lesson's text; both counted from 1. */
export interface Place {
  line: number;
  column: number;
}

export interface Tag extends Place {
  name: string;
  /** As written, without quotes or braces; `true` for an attribute without a value. */
  attributes: Record<string, string | true>;
  kind: 'open' | 'close' | 'alone';
}

export interface Prose {
  tags: Tag[];
  /** Targets of Markdown links and of `href`. */
  links: (Place & { href: string })[];
  /** Anchors that headings make. */
  anchors: string[];
  /**
   * `info` stands behind the opening mark; `inside` is the component that is open around the block; `above` is the last
   * line over it that is not blank, nor part of another block.
   */
  fences: (Place & { text: string; info: string; above: string; inside: string | undefined })[];
  /** What MDX would take for a tag or an expression, and the author most likely did not mean as one. */
  stray: (Place & { text: string })[];
}

const NAME = /^[A-Za-z][\w.:-]*/;
const FENCE = /^(\s*)(`{3,}|~{3,})/;

/**
 * Reads the text of a lesson as far as checking it needs: tags, links, headings, fenced blocks, and the angle brackets
 * and braces that MDX would misread. `firstLine` is the line of its file on which the text begins.
 */
export function readProse(text: string, firstLine = 1): Prose {
  const prose: Prose = { tags: [], links: [], anchors: [], fences: [], stray: [] };
  const lines = text.split('\n');
  const blanked: string[] = [];
  let fence: { mark: string; info: string; above: string; from: number; lines: string[] } | undefined;
  const fences: { from: number; info: string; above: string; text: string }[] = [];
  for (const [i, line] of lines.entries()) {
    const mark = FENCE.exec(line)?.[2];
    if (fence) {
      if (mark?.startsWith(fence.mark) && line.trim() === mark) {
        const { from, info, above } = fence;
        fences.push({ from, info, above, text: fence.lines.join('\n') });
        fence = undefined;
      } else fence.lines.push(line);
      blanked.push('');
    } else if (mark) {
      fence = { mark, info: line.trim().slice(mark.length).trim(), above: lastOf(blanked), from: i, lines: [] };
      blanked.push('');
    } else {
      blanked.push(line);
      const heading = /^#{1,6}\s+(.+?)\s*#*$/.exec(line)?.[1];
      if (heading) prose.anchors.push(anchorOf(heading));
      const code = /^(import|export)\s/.exec(line)?.[1];
      if (code) prose.stray.push({ line: i + firstLine, column: 1, text: code });
    }
  }
  if (fence) prose.stray.push({ line: fence.from + firstLine, column: 1, text: fence.mark });
  scan(blanked.join('\n'), firstLine, prose);
  for (const { from, info, above, text: inside } of fences) {
    const line = from + firstLine;
    prose.fences.push({ line, column: 1, text: inside, info, above, inside: openAt(prose.tags, line) });
  }
  return prose;
}

const lastOf = (lines: readonly string[]): string => lines.findLast((line) => line.trim() !== '')?.trim() ?? '';

/** As the site makes them: lower case, dashes for spaces, no punctuation. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

function scan(text: string, firstLine: number, prose: Prose): void {
  const starts = [0];
  for (let i = 0; i < text.length; i++) if (text[i] === '\n') starts.push(i + 1);
  let row = 0;
  const placeOf = (at: number): Place => {
    while (row + 1 < starts.length && starts[row + 1]! <= at) row++;
    return { line: row + firstLine, column: at - starts[row]! + 1 };
  };
  let at = 0;
  while (at < text.length) {
    const c = text[at]!;
    if (c === '\\') at += 2;
    else if (c === '`') at = afterCode(text, at);
    else if (c === '{') {
      const comment = /^\{\s*(\/\*[\s\S]*?\*\/|'[^']*'|"[^"]*")\s*\}/.exec(text.slice(at));
      if (!comment) prose.stray.push({ ...placeOf(at), text: text.slice(at).split('\n')[0]!.slice(0, 40) });
      at += comment?.[0].length ?? /^\{+/.exec(text.slice(at))![0].length;
    } else if (c === '<') {
      const tag = readTag(text, at);
      if (tag) {
        const place = placeOf(at);
        prose.tags.push({ ...place, name: tag.name, attributes: tag.attributes, kind: tag.kind });
        const { href } = tag.attributes;
        if (typeof href === 'string') prose.links.push({ ...place, href });
        at = tag.end;
      } else {
        prose.stray.push({ ...placeOf(at), text: (/^<\S*/.exec(text.slice(at))?.[0] ?? '<').slice(0, 40) });
        at += 1;
      }
    } else if (c === ']' && text[at + 1] === '(') {
      const href = /^\]\(\s*<?([^)\s>]*)/.exec(text.slice(at))![1]!;
      prose.links.push({ ...placeOf(at), href });
      at += 2 + href.length;
    } else at += 1;
  }
}

/** Past a code span; past the backticks alone when they are never closed. */
function afterCode(text: string, at: number): number {
  const ticks = /^`+/.exec(text.slice(at))![0];
  const rest = text.slice(at + ticks.length);
  const paragraph = rest.split(/\n\s*\n/, 1)[0]!;
  const end = new RegExp(`(?<!\`)${ticks}(?!\`)`).exec(paragraph);
  return at + ticks.length + (end ? end.index + ticks.length : 0);
}

function readTag(text: string, at: number): (Omit<Tag, 'line' | 'column'> & { end: number }) | undefined {
  let i = at + 1;
  const closing = text[i] === '/';
  if (closing) i++;
  const name = NAME.exec(text.slice(i))?.[0];
  if (!name) return undefined;
  i += name.length;
  const attributes: Tag['attributes'] = {};
  for (;;) {
    i += /^\s*/.exec(text.slice(i))![0].length;
    if (text[i] === '>') return { name, attributes, kind: closing ? 'close' : 'open', end: i + 1 };
    if (text.startsWith('/>', i)) return { name, attributes, kind: 'alone', end: i + 2 };
    const key = NAME.exec(text.slice(i))?.[0];
    if (!key) return undefined;
    i += key.length;
    if (text[i] !== '=') {
      attributes[key] = true;
      continue;
    }
    const value = readValue(text, i + 1);
    if (!value) return undefined;
    attributes[key] = value.text;
    i = value.end;
  }
}

function readValue(text: string, at: number): { text: string; end: number } | undefined {
  const quote = text[at];
  if (quote === '"' || quote === "'") {
    const end = text.indexOf(quote, at + 1);
    return end < 0 ? undefined : { text: text.slice(at + 1, end), end: end + 1 };
  }
  if (quote !== '{') return undefined;
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"' || c === "'" || c === '`') {
      i = closingQuote(text, i);
      if (i < 0) return undefined;
    } else if (c === '{') depth++;
    else if (c === '}' && --depth === 0) return { text: text.slice(at + 1, i), end: i + 1 };
  }
  return undefined;
}

function closingQuote(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === text[at]) return i;
  }
  return -1;
}

/** The innermost component that is open on a line. */
function openAt(tags: Tag[], line: number): string | undefined {
  const open: string[] = [];
  for (const tag of tags) {
    if (tag.line >= line) break;
    if (tag.kind === 'open') open.push(tag.name);
    else if (tag.kind === 'close' && open.at(-1) === tag.name) open.pop();
  }
  return open.at(-1);
}
