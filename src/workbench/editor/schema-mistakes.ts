import { isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';
import { listed } from '../words.ts';
import type { Mistake } from './monaco.ts';
import { type ResourceSchema, typeWord } from './resource-schemas.ts';

/** What an API server would refuse in a resource: unknown fields, missing ones, values of the wrong kind. */
export function schemaMistakes(root: Node, schema: ResourceSchema): Mistake[] {
  const mistakes: Mistake[] = [];
  const say = (node: unknown, message: string) => {
    const [from = 0, to = from + 1] = (node as Node | null)?.range ?? [];
    mistakes.push({ message, from, to, severity: 'error' });
  };
  const walk = (node: unknown, at: ResourceSchema, name: string, place: unknown): void => {
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) return;
    if (isMap(node)) {
      if (at.type && at.type !== 'object') return say(place, `${name} is ${typeWord(at)}, not a map.`);
      const known = at.properties;
      for (const pair of node.items as Pair[]) {
        const key = isScalar(pair.key) ? String(pair.key.value) : '';
        const inside = known?.[key] ?? at.values;
        if (inside) walk(pair.value, inside, key, pair.key);
        else if (known && !at.open)
          say(pair.key, `${name} has no field ${key}. It has ${listed(Object.keys(known).sort())}.`);
      }
      for (const key of at.required ?? []) if (!node.has(key)) say(place, `${name} needs the field ${key}.`);
      return;
    }
    if (isSeq(node)) {
      if (at.type && at.type !== 'array') return say(place, `${name} is ${typeWord(at)}, not a list.`);
      for (const item of node.items) if (at.items) walk(item, at.items, `an item of ${name}`, firstOf(item));
      return;
    }
    if (!isScalar(node)) return;
    if (at.type === 'object' || at.type === 'array') return say(node, `${name} is ${typeWord(at)}.`);
    if (at.enum && !at.enum.includes(String(node.value))) return say(node, `${name} is ${at.enum.join(' or ')}.`);
    const is = typeof node.value;
    if (at.type === 'string' && is !== 'string') say(node, `${name} is text: write it in quotes.`);
    if ((at.type === 'integer' || at.type === 'number') && is !== 'number' && is !== 'bigint')
      say(node, `${name} is a number.`);
    if (at.type === 'boolean' && is !== 'boolean') say(node, `${name} is true or false.`);
  };
  walk(root, schema, 'the resource', firstOf(root));
  return mistakes;
}

/** The first key of a map, so that what is missing in it is marked on one word and not on all of it. */
function firstOf(node: unknown): unknown {
  return isMap(node) ? (node.items[0]?.key ?? node) : node;
}
