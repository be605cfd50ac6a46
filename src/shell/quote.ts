/** A word in a form that the shell reads back as the same word, as `printf %q` and `set -x` write it. */
export function quote(text: string): string {
  if (text === '') return "''";
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (/[\x00-\x1f\x7f]/.test(text)) return ansiQuote(text);
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** As `printf %q`: with backslashes. */
export function escapeWord(text: string): string {
  if (text === '') return "''";
  if (/[\x00-\x1f\x7f]/.test(text)) return ansiQuote(text);
  return text.replace(/[^\w@%+=:,./\-\u0080-\uffff]/g, '\\$&').replace(/^~/, '\\~');
}

const NAMED: Record<string, string> = {
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '\x1b': '\\E',
  '\x07': '\\a',
  '\b': '\\b',
};

function ansiQuote(text: string): string {
  const body = text.replace(/[\\'\x00-\x1f\x7f]/g, (char) => {
    if (char === '\\' || char === "'") return `\\${char}`;
    return NAMED[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return `$'${body}'`;
}

/** As `declare -p` and `alias` write a value. */
export function doubleQuote(text: string): string {
  return /[\x00-\x08\x0b-\x1f\x7f]/.test(text) ? ansiQuote(text) : `"${text.replace(/["\\$`]/g, '\\$&')}"`;
}
