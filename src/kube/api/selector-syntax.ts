import { failure } from './status.ts';

export interface Requirement {
  key: string;
  operator: 'exists' | '!' | '=' | '==' | '!=' | 'in' | 'notin' | 'gt' | 'lt';
  values: string[];
}

const OPERATORS: Record<string, Requirement['operator']> = {
  '=': '=',
  '==': '==',
  '!=': '!=',
  in: 'in',
  notin: 'notin',
  '>': 'gt',
  '<': 'lt',
};
const END = '';

/** The parts of a label selector, as apimachinery/pkg/labels reads them. Throws BadRequest with its words. */
export function parseRequirements(text: string): Requirement[] {
  const tokens = [...text.matchAll(/\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)/g)].map(([, token]) => token!);
  let at = 0;
  const look = () => tokens[at] ?? END;
  const take = () => tokens[at++] ?? END;
  const out: Requirement[] = [];
  for (;;) {
    if (isWord(look()) || look() === '!') {
      out.push(requirement(look, take));
      const next = take();
      if (next === END) return out;
      if (next !== ',') throw bad(`found '${next}', expected: ',' or 'end of string'`);
      if (!isWord(look()) && look() !== '!') throw bad(`found '${look()}', expected: identifier after ','`);
    } else if (look() === END) return out;
    else throw bad(`found '${look()}', expected: !, identifier, or 'end of string'`);
  }
}

const bad = (why: string) => failure('BadRequest', why);
const unparsed = (why: string) => bad(`unable to parse requirement: ${why}`);
const isWord = (token: string): boolean => token !== END && !/^(==|!=|[=!<>(),])$/.test(token);

function requirement(look: () => string, take: () => string): Requirement {
  const absent = look() === '!';
  if (absent) take();
  const key = take();
  if (!isWord(key)) throw unparsed(`found '${key}', expected: identifier`);
  checkKey(key);
  if (absent) return { key, operator: '!', values: [] };
  if (look() === END || look() === ',') return { key, operator: 'exists', values: [] };
  const word = take();
  const operator = OPERATORS[word];
  if (!operator) throw unparsed(`found '${word}', expected: in, notin, =, ==, !=, gt, lt`);
  const values = operator === 'in' || operator === 'notin' ? valueList(take) : [oneValue(look, take)];
  if ((operator === 'gt' || operator === 'lt') && !/^-?\d+$/.test(values[0]!))
    throw unparsed(
      `values[0][${key}]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`,
    );
  values.forEach((value, i) => {
    checkValue(key, value, i);
  });
  return { key, operator, values };
}

function oneValue(look: () => string, take: () => string): string {
  if (look() === END || look() === ',') return '';
  const value = take();
  if (!isWord(value)) throw unparsed(`found '${value}', expected: identifier`);
  return value;
}

function valueList(take: () => string): string[] {
  const open = take();
  if (open !== '(') throw unparsed(`found '${open}' expected: '('`);
  const values: string[] = [];
  for (;;) {
    const token = take();
    if (isWord(token)) values.push(token);
    else if (token === ',' || token === ')') values.push('');
    else throw unparsed(`found '${token}', expected: ',', ')' or identifier`);
    if (token === ')') return values;
    if (token === ',') continue;
    const next = take();
    if (next === ')') return values;
    if (next !== ',') throw unparsed(`found '${next}', expected: ',' or ')'`);
  }
}

const VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

function checkValue(key: string, value: string, index: number): void {
  if (VALUE.test(value)) return;
  throw unparsed(
    `values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
  );
}

function checkKey(key: string): void {
  if (NAME.test(key.split('/').at(-1) ?? '')) return;
  throw unparsed(
    `<nil>: Invalid value: ${JSON.stringify(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
  );
}
