import { same } from '#kube/api/patch/field-set.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Causes } from './causes.ts';
import { CONFIG_KEY_TEXT } from './container.ts';
import type { Rule } from './rule.ts';

const MOST_BYTES = 1024 * 1024;
/** Keys that a Secret of a type must have. */
const KEYS: Record<string, string[]> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

function dataCauses(data: Record<string, unknown> | undefined, field: string, add: Causes): void {
  for (const key of Object.keys(data ?? {})) {
    if (!/^[-._a-zA-Z0-9]+$/.test(key)) add.invalid(`${field}[${key}]`, key, CONFIG_KEY_TEXT);
    else if (key === '.' || key === '..') add.invalid(`${field}[${key}]`, key, `must not be '${key}'`);
    else if (key.startsWith('..')) add.invalid(`${field}[${key}]`, key, "must not start with '..'");
  }
}

function fixedCauses(object: KubeObject, old: KubeObject | undefined, fields: string[], add: Causes): void {
  if (!old?.['immutable']) return;
  if (!object['immutable']) add.forbidden('immutable', 'field is immutable when `immutable` is set');
  for (const field of fields) {
    if (!same(old[field], object[field])) add.forbidden(field, 'field is immutable when `immutable` is set');
  }
}

const secret: Rule = (object, old, add) => {
  const data: Record<string, string> = object['data'] ?? {};
  if (old && old['type'] !== object['type']) add.invalid('type', object['type'], 'field is immutable');
  fixedCauses(object, old, ['data'], add);
  dataCauses(data, 'data', add);
  const size = Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(value, 'base64'), 0);
  if (size > MOST_BYTES) add.tooLong('data', MOST_BYTES);
  for (const key of KEYS[object['type']] ?? []) if (data[key] === undefined) add.required(`data[${key}]`);
  if (
    object['type'] === 'kubernetes.io/basic-auth' &&
    data['username'] === undefined &&
    data['password'] === undefined
  ) {
    add.required('data[username]');
    add.required('data[password]');
  }
  if (object['type'] === 'kubernetes.io/service-account-token') {
    const name = object.metadata.annotations?.['kubernetes.io/service-account.name'];
    if (!name) add.required('metadata.annotations[kubernetes.io/service-account.name]');
  }
};

const configMap: Rule = (object, old, add) => {
  dataCauses(object['data'], 'data', add);
  dataCauses(object['binaryData'], 'binaryData', add);
  const data: Record<string, string> = object['data'] ?? {};
  for (const key of Object.keys(object['binaryData'] ?? {})) {
    if (data[key] !== undefined) add.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData');
  }
  const size = Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(String(value)), 0);
  if (size > MOST_BYTES) add.tooLong('', MOST_BYTES);
  fixedCauses(object, old, ['data', 'binaryData'], add);
};

export const configRules: Record<string, Rule> = { '/secrets': secret, '/configmaps': configMap };
