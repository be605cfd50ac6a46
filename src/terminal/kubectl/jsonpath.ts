import { compactJson } from './json.ts';
import { JsonPathError, type Node, parseTemplate, type Step } from './jsonpath-syntax.ts';

/** A parsed JSONPath template as client-go/util/jsonpath knows them. */
export class JsonPath {
  readonly #nodes: Node[];
  readonly #allowMissing: boolean;

  constructor(template: string, options: { allowMissing?: boolean } = {}) {
    this.#nodes = parseTemplate(template);
    this.#allowMissing = options.allowMissing ?? true;
  }

  /** The text that the template makes of `value`. */
  print(value: unknown): string {
    return this.#print(this.#nodes, value, value);
  }

  /** The values of every path in the template, one list a path. */
  find(value: unknown): unknown[][] {
    return this.#nodes.flatMap((node) => (node.type === 'path' ? [this.#walk([value], node.steps, value)] : []));
  }

  #print(nodes: Node[], value: unknown, root: unknown): string {
    let out = '';
    for (const node of nodes) {
      if (node.type === 'text') out += node.text;
      else if (node.type === 'path') {
        out += this.#walk([value], node.steps, root).map(textOf).join(' ');
      } else {
        for (const each of this.#walk([value], node.path, root)) out += this.#print(node.body, each, root);
      }
    }
    return out;
  }

  #walk(values: unknown[], steps: Step[], root: unknown): unknown[] {
    let now = values;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      if (step.type === 'recursive') {
        const rest = steps.slice(i + 1);
        const every = now.flatMap(descendants);
        return rest.length === 0 ? every : every.flatMap((each) => this.#walkQuietly(each, rest, root));
      }
      if (step.type === 'union') {
        const before = now;
        now = step.paths.flatMap((path) => this.#walk(before, path, root));
      } else now = now.flatMap((each) => this.#step(each, step, root));
    }
    return now;
  }

  /** What lies below `..` is looked for everywhere; most places do not have it. */
  #walkQuietly(value: unknown, steps: Step[], root: unknown): unknown[] {
    try {
      return new JsonPath('', { allowMissing: true }).#walk([value], steps, root);
    } catch (error) {
      if (error instanceof JsonPathError) return [];
      throw error;
    }
  }

  #step(value: unknown, step: Step, root: unknown): unknown[] {
    switch (step.type) {
      case 'literal':
        return [step.value];
      case 'field': {
        if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
          const found = (value as Record<string, unknown>)[step.name];
          if (found !== undefined) return [found];
        }
        if (!this.#allowMissing && value !== null && value !== undefined) {
          throw new JsonPathError(`${step.name} is not found`);
        }
        return [];
      }
      case 'wildcard':
        if (Array.isArray(value)) return value;
        return value !== null && typeof value === 'object' ? sortedValues(value) : [];
      case 'slice':
        return this.#slice(value, step);
      case 'filter':
        return (Array.isArray(value) ? value : []).filter((each) => this.#holds(each, step, root));
      default:
        return [];
    }
  }

  #slice(value: unknown, step: Extract<Step, { type: 'slice' }>): unknown[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw new JsonPathError(`${typeName(value)} is not array or slice`);
    if (step.index !== undefined) {
      const at = step.index < 0 ? value.length + step.index : step.index;
      if (at < 0 || at >= value.length) {
        throw new JsonPathError(`array index out of bounds: index ${step.index}, length ${value.length}`);
      }
      return [value[at]];
    }
    const clamp = (n: number) => Math.min(Math.max(n < 0 ? value.length + n : n, 0), value.length);
    const from = clamp(step.from ?? 0);
    const to = clamp(step.to ?? value.length);
    const out: unknown[] = [];
    for (let at = from; at < to; at += Math.max(step.step ?? 1, 1)) out.push(value[at]);
    return out;
  }

  #holds(value: unknown, filter: Extract<Step, { type: 'filter' }>, root: unknown): boolean {
    const quiet = new JsonPath('', { allowMissing: true });
    const left = quiet.#walk([value], filter.left.steps, root);
    if (filter.operator === 'exists') return left.length > 0;
    if (left.length === 0) return false;
    const right = quiet.#walk([value], filter.right!.steps, root);
    if (right.length === 0) return false;
    return compare(left[0], right[0], filter.operator);
  }
}

function compare(a: unknown, b: unknown, operator: string): boolean {
  const left = typeof b === 'string' && typeof a !== 'string' ? String(a) : a;
  const [x, y] = [left as number, b as number];
  switch (operator) {
    case '==':
      return x === y;
    case '!=':
      return x !== y;
    case '<':
      return x < y;
    case '<=':
      return x <= y;
    case '>':
      return x > y;
    default:
      return x >= y;
  }
}

function descendants(value: unknown): unknown[] {
  if (Array.isArray(value)) return [value, ...value.flatMap(descendants)];
  if (value !== null && typeof value === 'object') return [value, ...sortedValues(value).flatMap(descendants)];
  return [];
}

const sortedValues = (value: object): unknown[] =>
  Object.keys(value)
    .sort()
    .map((key) => (value as Record<string, unknown>)[key]);

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? compactJson(value) : String(value);
}

const typeName = (value: unknown): string =>
  typeof value === 'object' ? 'map[string]interface {}' : typeof value === 'string' ? 'string' : 'int64';

/** `.x`, `x`, `{.x}` and `{x}` all mean `{.x}` (RelaxedJSONPathExpression). */
export function relaxed(expression: string): string {
  if (expression === '') return expression;
  const match = /^\{?\.?(.*?)\}?$/s.exec(expression.replace(/^\{(.*)\}$/s, '$1'));
  return `{.${match?.[1] ?? ''}}`;
}
