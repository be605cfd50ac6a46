/** Where in a resource a cursor stands, told from indentation alone, because a text under work is seldom valid YAML. */
export interface Place {
  apiVersion: string | undefined;
  kind: string | undefined;
  /** Keys from the top of the document; `[]` for a list. */
  path: string[];
  /** Keys that stand beside the one being typed. */
  siblings: string[];
  /** Set when a value is being typed: its key. */
  key: string | undefined;
  /** What of the key or the value stands before the cursor. */
  typed: string;
}

interface Line {
  /** Of the first character or dash. */
  indent: number;
  /** Of the key. */
  keyIndent: number;
  dash: boolean;
  key: string;
}

const KEY_LINE = /^(\s*)((?:- +)?)([A-Za-z0-9_.$/-]+):(?:\s|$)/;

function read(text: string | undefined): Line | undefined {
  const match = KEY_LINE.exec(text ?? '');
  if (!match) return undefined;
  const [, space = '', dash = '', key = ''] = match;
  return { indent: space.length, keyIndent: space.length + dash.length, dash: dash !== '', key };
}

/** `line` and `column` count from 0. Undefined where neither a key nor a plain value is being typed. */
export function placeAt(lines: readonly string[], line: number, column: number): Place | undefined {
  const before = (lines[line] ?? '').slice(0, column);
  const value = /^(\s*)((?:- +)?)([A-Za-z0-9_.$/-]+):\s+(\S*)$/.exec(before);
  const typing = /^(\s*)((?:- +)?)([A-Za-z0-9_.$/-]*)$/.exec(before);
  const match = value ?? typing;
  if (!match) return undefined;
  const [, space = '', dash = '', word = '', typedValue = ''] = match;

  let first = line;
  while (first > 0 && !/^---/.test(lines[first - 1]!)) first--;
  let last = line;
  while (last + 1 < lines.length && !/^---/.test(lines[last + 1]!)) last++;
  const top = (key: string) => {
    for (let at = first; at <= last; at++) {
      const found = new RegExp(`^${key}:\\s*["']?([^\\s"'#]+)`).exec(lines[at]!)?.[1];
      if (found && at !== line) return found;
    }
    return undefined;
  };

  const { path, siblings } = climb(lines, first, line, space.length, dash !== '' ? dash.length : 0);
  const keyIndent = space.length + dash.length;
  for (let at = line + 1; at <= last; at++) {
    const next = read(lines[at]);
    if (!next) continue;
    if (next.indent < keyIndent || next.dash) break;
    if (next.keyIndent === keyIndent) siblings.push(next.key);
  }
  return {
    apiVersion: top('apiVersion'),
    kind: top('kind'),
    path,
    siblings,
    key: value ? word : undefined,
    typed: value ? typedValue : word,
  };
}

/** Upwards through lines of ever smaller indentation. */
function climb(lines: readonly string[], first: number, line: number, indent: number, dashWidth: number) {
  const path: string[] = [];
  const siblings: string[] = [];
  let own = true;
  let inList = dashWidth > 0;
  // A parent stands further left; the parent of a list may stand where its dashes do.
  let level = inList ? indent : indent + dashWidth;
  if (inList) path.unshift('[]');
  for (let at = line - 1; at >= first; at--) {
    const above = read(lines[at]);
    if (!above) continue;
    if (!inList && above.keyIndent === level) {
      if (own) siblings.push(above.key);
      if (!above.dash) continue;
      // The item of the list that these keys belong to begins here.
      path.unshift('[]');
      own = false;
      inList = true;
      level = above.indent;
      continue;
    }
    const isParent = inList ? !above.dash && above.keyIndent <= level : above.keyIndent < level;
    if (inList && above.dash && above.keyIndent <= level) {
      path.unshift('[]', above.key);
      level = above.indent;
      own = false;
      continue;
    }
    if (!isParent) continue;
    path.unshift(above.key);
    own = false;
    inList = above.dash;
    if (above.dash) path.unshift('[]');
    level = above.dash ? above.indent : above.keyIndent;
  }
  return { path, siblings };
}
