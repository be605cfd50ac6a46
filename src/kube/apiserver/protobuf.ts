import numbersData from '#kube/api/data/field-numbers.json' with { type: 'json' };
import { allSchemas, builtInSchema, type Schema } from '#kube/api/schemas.ts';
import { failure } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { splitApiVersion } from '#kube/client/paths.ts';

/**
 * Kubernetes objects as protocol buffers, as typed Go clients send them (`kubectl create` since 1.35 among them). Which
 * number a field has is a table; what it is, its OpenAPI schema says. Only reading: answers are JSON, which every client takes.
 */
const MAGIC = Buffer.from('k8s\0');
/** Schema name to `field=number …`; `^Type=number` holds fields that are the outer object's own in JSON. */
const NUMBERS = numbersData as Record<string, string>;
const PREFIX = '#/components/schemas/';

/** Go leaves these out only when they are not set, every other number and flag also when it is zero. */
const KEPT_AT_ZERO = new Set(
  `activeDeadlineSeconds allowPrivilegeEscalation automountServiceAccountToken averageUtilization backoffLimit
  blockOwnerDeletion completions controller defaultMode enableServiceLinks exitCode expirationSeconds
  failedJobsHistoryLimit fsGroup gracePeriodSeconds hostUsers immutable maxReplicas minReplicas mode optional
  orphanDependents parallelism port priority privileged progressDeadlineSeconds readOnlyRootFilesystem replicas
  revisionHistoryLimit runAsGroup runAsNonRoot runAsUser seconds setHostnameAsFQDN shareProcessNamespace
  startingDeadlineSeconds successfulJobsHistoryLimit suspend terminationGracePeriodSeconds timeoutSeconds
  tolerationSeconds ttlSecondsAfterFinished value`.split(/\s+/),
);

export const isProtobuf = (contentType: string): boolean => contentType.includes('protobuf');

/** Reads an object with its envelope. Throws BadRequest when it is not one, or of a kind that is not known. */
export function decodeProtobuf(bytes: Uint8Array): KubeObject {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!data.subarray(0, 4).equals(MAGIC))
    throw failure(
      'BadRequest',
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  try {
    const envelope = fieldsOf(data.subarray(4));
    const type = fieldsOf(bytesAt(envelope, 1));
    const [apiVersion, kind] = [bytesAt(type, 1).toString(), bytesAt(type, 2).toString()];
    const { group, version } = splitApiVersion(apiVersion);
    const schema = builtInSchema(group, version, kind) ?? builtInSchema('', 'v1', kind);
    const name = schema && nameOf(schema);
    if (!schema || !name || !NUMBERS[name])
      throw failure(
        'BadRequest',
        `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} as protobuf`,
      );
    return {
      apiVersion,
      kind,
      ...(message(bytesAt(envelope, 2), name, schema) as { metadata: KubeObject['metadata'] }),
    };
  } catch (error) {
    if (error instanceof RangeError) throw failure('BadRequest', `the protobuf message is malformed: ${error.message}`);
    throw error;
  }
}

type Value = bigint | Buffer;
type Fields = Map<number, Value[]>;

const names = new WeakMap<Schema, string>();
function nameOf(schema: Schema): string | undefined {
  if (!names.has(schema)) for (const [name, each] of Object.entries(allSchemas())) names.set(each, name);
  return names.get(schema);
}

const tables = new Map<string, Map<number, string>>();
function tableOf(name: string): Map<number, string> {
  let table = tables.get(name);
  if (!table) {
    table = new Map(
      (NUMBERS[name] ?? '').split(' ').map((entry) => {
        const [field = '', number] = entry.split('=');
        return [Number(number), field] as const;
      }),
    );
    tables.set(name, table);
  }
  return table;
}

function message(data: Buffer, name: string, schema: Schema): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const table = tableOf(name);
  for (const [number, values] of fieldsOf(data)) {
    const field = table.get(number);
    if (field === undefined) continue;
    if (field.startsWith('^')) {
      const inner = `${name.slice(0, name.lastIndexOf('.'))}.${field.slice(1)}`;
      for (const value of values) if (typeof value !== 'bigint') Object.assign(out, message(value, inner, schema));
      continue;
    }
    const property = schema.properties?.[field];
    if (!property) continue;
    const value = read(values, property, field);
    if (value !== undefined) out[field] = value;
  }
  return out;
}

/** The values of one field, all that were sent, as JSON has them. */
function read(values: Value[], property: Schema, field: string): unknown {
  if (property.type === 'array') return values.map((value) => single(value, property.items ?? {}, field, true));
  if (typeof property.additionalProperties === 'object') {
    const entries = values.map((value) => {
      const entry = fieldsOf(value as Buffer);
      const inner = entry.get(2)?.[0] ?? Buffer.alloc(0);
      return [bytesAt(entry, 1).toString(), single(inner, property.additionalProperties as Schema, field, true)];
    });
    return Object.fromEntries(entries);
  }
  return single(values.at(-1)!, property, field, false);
}

function single(value: Value, property: Schema, field: string, always: boolean): unknown {
  const ref = (property.$ref ?? property.allOf?.[0]?.$ref)?.slice(PREFIX.length);
  if (ref) return referred(value, ref, field);
  if (property.type === 'array') {
    // A list inside a map travels in a message of its own.
    return (fieldsOf(value as Buffer).get(1) ?? []).map((item) => single(item, property.items ?? {}, field, true));
  }
  if (typeof value === 'bigint') {
    const number = Number(BigInt.asIntN(64, value));
    if (number === 0 && !always && !KEPT_AT_ZERO.has(field)) return undefined;
    return property.type === 'boolean' ? number !== 0 : number;
  }
  if (property.format === 'byte') return value.toString('base64');
  const text = value.toString();
  return text === '' && !always && field !== 'storageClassName' ? undefined : text;
}

function referred(value: Value, ref: string, field: string): unknown {
  const data = value as Buffer;
  switch (ref.split('.').at(-1)) {
    case 'Time':
    case 'MicroTime':
      return instant(data, ref.endsWith('MicroTime'));
    case 'Quantity':
      return bytesAt(fieldsOf(data), 1).toString();
    case 'IntOrString': {
      const fields = fieldsOf(data);
      return fields.get(1)?.[0] === 1n
        ? bytesAt(fields, 3).toString()
        : Number(BigInt.asIntN(64, (fields.get(2)?.[0] as bigint | undefined) ?? 0n));
    }
    case 'FieldsV1':
    case 'RawExtension':
      return JSON.parse(bytesAt(fieldsOf(data), 1).toString() || 'null');
    default: {
      const schema = allSchemas()[ref];
      return schema ? message(data, ref, schema) : single(value, {}, field, false);
    }
  }
}

function instant(data: Buffer, micro: boolean): string | undefined {
  const fields = fieldsOf(data);
  const seconds = fields.get(1)?.[0] as bigint | undefined;
  if (seconds === undefined) return undefined;
  const whole = new Date(Number(BigInt.asIntN(64, seconds)) * 1000).toISOString().slice(0, 19);
  const nanos = Number((fields.get(2)?.[0] as bigint | undefined) ?? 0n);
  return micro ? `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : `${whole}Z`;
}

const bytesAt = (fields: Fields, number: number): Buffer => {
  const value = fields.get(number)?.at(-1);
  return value === undefined || typeof value === 'bigint' ? Buffer.alloc(0) : value;
};

/** Every field of a message by its number, in the order sent. Throws RangeError when it ends too early. */
function fieldsOf(data: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= data.length) throw new RangeError('unexpected end');
      const byte = data[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number is too long');
  };
  const take = (length: number): Buffer => {
    if (length < 0 || at + length > data.length) throw new RangeError('unexpected end');
    at += length;
    return data.subarray(at - length, at);
  };
  while (at < data.length) {
    const key = Number(varint());
    let value: Value;
    switch (key & 7) {
      case 0:
        value = varint();
        break;
      case 1:
        value = take(8).readBigInt64LE();
        break;
      case 2:
        value = take(Number(varint()));
        break;
      case 5:
        value = BigInt(take(4).readInt32LE());
        break;
      default:
        throw new RangeError(`wire type ${key & 7} is not known`);
    }
    const number = key >>> 3;
    const known = fields.get(number);
    if (known) known.push(value);
    else fields.set(number, [value]);
  }
  return fields;
}
