import type { Field, Message, MessageType } from './protobuf.ts';

/**
 * A message as Go's encoding/json prints the generated structs, which is what `linkerd diagnostics` shows: fields in
 * their declared order without empty ones, a oneof as an object named after it that holds one field in Go's spelling.
 */
export function goJson(type: MessageType, value: Message): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(type.fields)) {
    const given = value[name];
    if (given === undefined) continue;
    if (field.oneof) {
      out[field.oneof] = { [goName(name)]: one(field, given) };
    } else if (field.map) {
      const entries = Object.entries(given).sort(([a], [b]) => (a < b ? -1 : 1));
      if (entries.length > 0) out[name] = Object.fromEntries(entries);
    } else if (field.repeated) {
      if (given.length > 0) out[name] = given.map((each: unknown) => one(field, each));
    } else if (typeof field.type === 'object' || !empty(given)) out[name] = one(field, given);
  }
  return out;
}

const empty = (value: unknown): boolean => value === 0 || value === '' || value === false || value === 0n;

const goName = (name: string): string =>
  name.replace(/(^|_)([a-z])/g, (_, _separator: string, letter: string) => letter.toUpperCase());

function one(field: Field, value: unknown): unknown {
  if (typeof field.type === 'object') return goJson(field.type, value as Message);
  if (field.type === 'bytes') return Buffer.from(value as Uint8Array).toString('base64');
  // The shortest decimal that is the same 32-bit number.
  if (field.type === 'float') return Number((value as number).toPrecision(7));
  // A bigint stays one where a number would lose digits.
  return typeof value === 'bigint' && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
