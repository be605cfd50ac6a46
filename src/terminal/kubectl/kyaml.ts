import { sortKeys } from './json.ts';

/** YAML in flow style with quoted strings and trailing commas (KEP-5295). */
export function toKyaml(value: unknown, keepOrder = false): string {
  return `---\n${render(keepOrder ? value : sortKeys(value), 0, true)}\n`;
}

const KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const AMBIGUOUS = /^(y|n|yes|no|on|off|true|false|null|~)$/i;

function render(value: unknown, depth: number, knownKeys: boolean): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  const pad = '  '.repeat(depth + 1);
  const end = '  '.repeat(depth);
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    if (value.every((each) => each !== null && typeof each === 'object')) {
      return `[${value.map((each) => render(each, depth, knownKeys)).join(', ')}]`;
    }
    return `[\n${value.map((each) => `${pad}${render(each, depth + 1, knownKeys)},\n`).join('')}${end}]`;
  }
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, each]) => {
    const name = KEY.test(key) && !AMBIGUOUS.test(key) ? key : JSON.stringify(key);
    return `${pad}${name}: ${render(each, depth + 1, knownKeys)},\n`;
  });
  return `{\n${lines.join('')}${end}}`;
}
