import { analyze, foldPlain, quoteDouble, quoteSingle, resolvesToOther } from './yaml-scalar.ts';

/** YAML as kubectl prints it: keys in natural order, lists not indented, scalars in go-yaml's styles, folded at 80. */
export function toYaml(value: unknown): string {
  const out: string[] = [];
  emit(value, 0, '', out);
  return out.join('');
}

/** `lead` is what stands already on the line, up to where the value begins. */
function emit(value: unknown, indent: number, lead: string, out: string[]): void {
  if (Array.isArray(value)) {
    if (value.length === 0) out.push(`${lead}[]\n`);
    else emitList(value, indent, lead, out);
  } else if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined);
    if (entries.length === 0) out.push(`${lead}{}\n`);
    else emitMap(entries, indent, lead, out);
  } else out.push(`${lead}${scalar(value, indent, lead.length)}\n`);
}

function emitList(items: unknown[], indent: number, lead: string, out: string[]): void {
  const pad = ' '.repeat(indent);
  items.forEach((item, i) => {
    const start = i === 0 && lead !== '' ? `${lead}- ` : `${pad}- `;
    if (isFilled(item)) emit(item, indent + 2, start, out);
    else if (item !== null && typeof item === 'object') out.push(`${start}${Array.isArray(item) ? '[]' : '{}'}\n`);
    else out.push(`${start}${scalar(item, indent + 2, start.length)}\n`);
  });
}

function emitMap(entries: [string, unknown][], indent: number, lead: string, out: string[]): void {
  const pad = ' '.repeat(indent);
  entries.sort(([a], [b]) => (naturalLess(a, b) ? -1 : 1));
  entries.forEach(([key, value], i) => {
    const start = `${i === 0 && lead !== '' ? lead : pad}${scalarText(key, indent, 0, true)}:`;
    if (Array.isArray(value) && value.length > 0) {
      out.push(`${start}\n`);
      emitList(value, indent, '', out);
    } else if (isFilled(value)) {
      out.push(`${start}\n`);
      emit(value, indent + 2, '', out);
    } else if (value !== null && typeof value === 'object')
      out.push(`${start} ${Array.isArray(value) ? '[]' : '{}'}\n`);
    else out.push(`${start} ${scalar(value, indent + 2, start.length + 1)}\n`);
  });
}

const isFilled = (value: unknown): boolean =>
  value !== null &&
  typeof value === 'object' &&
  (Array.isArray(value) ? value.length > 0 : Object.values(value).some((each) => each !== undefined));

function scalar(value: unknown, indent: number, column: number): string {
  if (typeof value === 'string') return scalarText(value, indent, column, false);
  if (value === null || value === undefined) return 'null';
  return String(value);
}

/** `indent` is where a folded or literal text continues. */
function scalarText(text: string, indent: number, column: number, isKey: boolean): string {
  const facts = analyze(text);
  if (text.includes('\n') && !isKey && facts.blockAllowed) return literal(text, indent);
  if (text.includes('\n') || resolvesToOther(text)) return quoteDouble(text, indent, column, !isKey);
  if (facts.plainAllowed) return foldPlain(text, indent, column, !isKey);
  return facts.singleAllowed ? quoteSingle(text, indent, column, !isKey) : quoteDouble(text, indent, column, !isKey);
}

function literal(text: string, indent: number): string {
  const hint = /^[ \n]/.test(text) ? '2' : '';
  const chomp = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : '';
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  const pad = ' '.repeat(indent);
  const lines = body.split('\n').map((line) => (line === '' ? '' : pad + line));
  return `|${hint}${chomp}\n${lines.join('\n')}`;
}

const isDigit = (char: string | undefined): boolean => char !== undefined && /\p{Nd}/u.test(char);
const isLetter = (char: string): boolean => /\p{L}/u.test(char);

/** go-yaml's key order: letters after other signs, runs of digits by value. */
export function naturalLess(left: string, right: string): boolean {
  const a = [...left];
  const b = [...right];
  let digits = false;
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] === b[i]) {
      digits = isDigit(a[i]);
      continue;
    }
    const letterA = isLetter(a[i]!);
    const letterB = isLetter(b[i]!);
    if (letterA && letterB) return a[i]! < b[i]!;
    if (letterA || letterB) return digits ? letterA : letterB;
    const [numberA, endA] = run(a, i);
    const [numberB, endB] = run(b, i);
    if (numberA !== numberB) return numberA < numberB;
    if (endA !== endB) return endA < endB;
    return a[i]! < b[i]!;
  }
  return a.length < b.length;
}

function run(text: string[], from: number): [number, number] {
  let value = 0;
  let at = from;
  for (; at < text.length && isDigit(text[at]); at++) value = value * 10 + Number(text[at]);
  return [value, at];
}
