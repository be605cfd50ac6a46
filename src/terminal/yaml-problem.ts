import type { YAMLParseError } from 'yaml';

const YAML_PROBLEMS: Record<string, { text: string; scanner: boolean }> = {
  BLOCK_AS_IMPLICIT_KEY: { text: 'mapping values are not allowed in this context', scanner: true },
  TAB_AS_INDENT: { text: 'found character that cannot start any token', scanner: true },
  BAD_SCALAR_START: { text: 'found character that cannot start any token', scanner: true },
  MISSING_CHAR: { text: "could not find expected ':'", scanner: true },
  MULTILINE_IMPLICIT_KEY: { text: 'mapping values are not allowed in this context', scanner: true },
  BAD_INDENT: { text: 'did not find expected key', scanner: false },
  UNEXPECTED_TOKEN: { text: 'did not find expected key', scanner: false },
};

/** What go-yaml says; it leaves the line out for problems on the first one. */
export function yamlProblem(problem: YAMLParseError): string {
  const line = problem.linePos?.[0].line ?? 1;
  const whole = problem.message;
  if (/^Flow map/.test(whole)) return `line ${line - 1}: did not find expected ',' or '}'`;
  if (/^Flow sequence/.test(whole)) return `line ${line - 1}: did not find expected ',' or ']'`;
  if (/^Missing closing .*quote/.test(whole)) return `line ${line}: found unexpected end of stream`;
  const known = YAML_PROBLEMS[problem.code];
  const text = known?.text ?? problem.message.split('\n')[0]!.replace(/ at line \d+.*$/, '');
  return line <= 1 ? text : `line ${known?.scanner === false ? line - 1 : line}: ${text}`;
}
