const CONTEXT = 3;

interface Edit {
  sign: ' ' | '-' | '+';
  line: string;
}

/** The hunks of `diff -u` between two texts; empty when they are the same. */
export function unifiedDiff(before: string, after: string): string {
  if (before === after) return '';
  const edits = slideDown(editsBetween(linesOf(before), linesOf(after)));
  return hunksOf(edits)
    .map((range) => hunkText(edits, range))
    .join('');
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** The shortest way from one list of lines to another: common ends first, the middle by longest common subsequence. */
function editsBetween(a: string[], b: string[]): Edit[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const same = (lines: string[]): Edit[] => lines.map((line) => ({ sign: ' ', line }));
  return [
    ...same(a.slice(0, start)),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(a.slice(a.length - end)),
  ];
}

function middle(a: string[], b: string[]): Edit[] {
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        a[i] === b[j]
          ? longest[(i + 1) * width + j + 1]! + 1
          : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
    }
  }
  const out: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ sign: ' ', line: a[i++]! });
      j++;
    } else if (j >= b.length || (i < a.length && longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!)) {
      out.push({ sign: '-', line: a[i++]! });
    } else out.push({ sign: '+', line: b[j++]! });
  }
  return out;
}

/** A run of removed or of added lines that could as well stand further down does, as diff puts it. */
function slideDown(edits: Edit[]): Edit[] {
  const out = [...edits];
  for (let from = out.length - 1; from >= 0; from--) {
    const { sign } = out[from]!;
    if (sign === ' ' || (from > 0 && out[from - 1]!.sign !== ' ')) continue;
    let start = from;
    let end = start;
    while (out[end]?.sign === sign) end++;
    while (out[end]?.sign === ' ' && out[end]!.line === out[start]!.line) {
      const line = out[start]!.line;
      out[start++] = { sign: ' ', line };
      out[end++] = { sign, line };
      while (out[end]?.sign === sign) end++;
    }
  }
  return out;
}

/** Ranges of edits that go into one hunk: changes with three lines around them, put together where these meet. */
function hunksOf(edits: Edit[]): [from: number, to: number][] {
  const ranges: [number, number][] = [];
  edits.forEach(({ sign }, at) => {
    if (sign === ' ') return;
    const from = Math.max(0, at - CONTEXT);
    const to = Math.min(edits.length, at + CONTEXT + 1);
    const last = ranges.at(-1);
    if (last && from <= last[1]) last[1] = to;
    else ranges.push([from, to]);
  });
  return ranges;
}

function hunkText(edits: Edit[], [from, to]: [number, number]): string {
  const count = (part: Edit[], sign: string) => part.filter((edit) => edit.sign !== sign).length;
  const head = edits.slice(0, from);
  const body = edits.slice(from, to);
  const span = (before: number, lines: number) => {
    const start = lines === 0 ? before : before + 1;
    return lines === 1 ? `${start}` : `${start},${lines}`;
  };
  const old = span(count(head, '+'), count(body, '+'));
  const now = span(count(head, '-'), count(body, '-'));
  return `@@ -${old} +${now} @@\n${body.map(({ sign, line }) => `${sign}${line}\n`).join('')}`;
}
