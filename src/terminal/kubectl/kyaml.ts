import { sortKeys } from './json.ts';
import { resolvesToOther } from './yaml-scalar.ts';

/** YAML in flow style with quoted strings and trailing commas (KEP-5295). */
export function toKyaml(value: unknown, keepOrder = false): string {
  return `---\n${render(keepOrder ? value : sortKeys(value), 0)}\n`;
}

const KEY = /^[A-Za-z0-9_][A-Za-z0-9_./-]*$/;
/** Words that some reader of YAML takes for something else than a string. */
const AMBIGUOUS =
  /^(y|n|yes|no|on|off|true|false|null|~|[-+]?\.?(inf|nan)|[-+]?[\d_.]+(e[-+]?\d+)?|0[xo][\da-f]+|\d{4}-\d\d?-\d\d?.*)$/i;

const isPlainKey = (key: string): boolean => KEY.test(key) && !AMBIGUOUS.test(key) && !resolvesToOther(key);

/** A string in quotes; one of several lines gets a line each, with the line ends escaped. */
function quoted(text: string, pad: string): string {
  const escaped = (part: string) => part.replace(/["\\]/g, '\\$&').replaceAll('\r', '\\r');
  if (!text.includes('\n')) return `"${escaped(text)}"`;
  const lines = text.split('\n');
  const last = lines.pop()!;
  const line = (part: string, end: string) => `${pad}  ${/^\s/.test(part) ? '\\' : ' '}${escaped(part)}${end}\\\n`;
  const rows = [...lines.map((part) => line(part, '\\n')), ...(last === '' ? [] : [line(last, '')])];
  return `"\\\n${rows.join('')}${pad}  "`;
}

function render(value: unknown, depth: number): string {
  if (value === null || value === undefined) return 'null';
  const end = '  '.repeat(depth);
  if (typeof value === 'string') return quoted(value, end);
  if (typeof value !== 'object') return String(value);
  const pad = '  '.repeat(depth + 1);
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    if (value.every((each) => each !== null && typeof each === 'object')) {
      return `[${value.map((each) => render(each, depth)).join(', ')}]`;
    }
    return `[\n${value.map((each) => `${pad}${render(each, depth + 1)},\n`).join('')}${end}]`;
  }
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, each]) => {
    const name = isPlainKey(key) ? key : JSON.stringify(key);
    return `${pad}${name}: ${render(each, depth + 1)},\n`;
  });
  return `{\n${lines.join('')}${end}}`;
}
