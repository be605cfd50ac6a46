import type { KubeObject } from '#kube/api/types.ts';
import { rfc1123 } from '../instants.ts';
import { plainRules, ruleCells } from '../rbac-rules.ts';
import type { Subject } from './kinds.ts';
import { limitLines } from './storage.ts';
import { header, labelsAndAnnotations, type Writer } from './write.ts';

const sorted = (map: object | undefined): [string, string][] =>
  Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)) as [string, string][];

export function describeConfigMap(w: Writer, object: KubeObject): void {
  header(w, object);
  labelsAndAnnotations(w, object);
  w.raw('\nData\n====\n');
  for (const [key, value] of sorted(object['data'])) w.raw(`${key}:\n----\n${value}\n\n`);
  w.raw('\nBinaryData\n====\n');
  for (const [key, value] of sorted(object['binaryData'])) {
    w.raw(`${key}: ${Buffer.from(value, 'base64').length} bytes\n`);
  }
  w.raw('\n');
}

export function describeSecret(w: Writer, object: KubeObject): void {
  header(w, object);
  labelsAndAnnotations(w, object);
  w.raw(`\nType:\t${object['type'] ?? ''}\n`);
  w.raw('\nData\n====\n');
  for (const [key, value] of sorted(object['data'])) {
    const bytes = Buffer.from(value, 'base64');
    const isToken = object['type'] === 'kubernetes.io/service-account-token' && key === 'token';
    w.raw(isToken ? `${key}:\t${bytes.toString('utf8')}\n` : `${key}:\t${bytes.length} bytes\n`);
  }
}

export function describeServiceAccount({ w, object }: Subject): void {
  header(w, object);
  labelsAndAnnotations(w, object);
  const names: string[] = (object['imagePullSecrets'] ?? []).map((each: { name: string }) => each.name);
  if (names.length === 0) w.line(0, 'Image pull secrets:\t<none>');
  names.forEach((name, i) => {
    w.line(0, `${i === 0 ? 'Image pull secrets:' : ' '.repeat(19)}\t${name}`);
  });
}

export async function describeNamespace({ w, object, k }: Subject): Promise<void> {
  w.line(0, `Name:\t${object.metadata.name}`);
  labelsAndAnnotations(w, object);
  w.line(0, `Status:\t${object['status']?.phase ?? ''}`);
  const conditions = object['status']?.conditions ?? [];
  if (conditions.length > 0) {
    w.line(0, 'Conditions:');
    w.line(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage');
    w.line(1, '----\t------\t------------------\t------\t-------');
    for (const { type, status, lastTransitionTime, reason = '', message = '' } of conditions) {
      w.line(1, `${type}\t${status}\t${rfc1123(lastTransitionTime)}\t${reason}\t${message}`);
    }
  }
  const namespace = object.metadata.name!;
  const list = async (resource: string) => {
    const found = await k.finder.tryFind(resource);
    return found ? (await k.client.list({ group: '', version: 'v1', resource, namespace })).items : [];
  };
  const quotas = await list('resourcequotas');
  w.raw('\n');
  if (quotas.length === 0) w.line(0, 'No resource quota.');
  else {
    w.line(0, 'Resource Quotas');
    for (const quota of quotas) {
      w.line(1, `Name:\t${quota.metadata.name}`);
      w.line(1, 'Resource\tUsed\tHard');
      w.line(1, '--------\t---\t---');
      for (const [name, hard] of sorted(quota['status']?.hard)) {
        w.line(1, `${name}\t${quota['status']?.used?.[name] ?? '0'}\t${hard}`);
      }
    }
  }
  w.raw('\n');
  const limits = await list('limitranges');
  w.line(0, limits.length === 0 ? 'No LimitRange resource.' : 'Resource Limits');
  for (const limit of limits) limitLines(w, ' ', limit);
}

export function describeRole(w: Writer, object: KubeObject): void {
  w.line(0, `Name:\t${object.metadata.name}`);
  labelsAndAnnotations(w, object);
  w.line(0, 'PolicyRule:');
  w.line(1, 'Resources\tNon-Resource URLs\tResource Names\tVerbs');
  w.line(1, '---------\t-----------------\t--------------\t-----');
  for (const rule of plainRules(object['rules'] ?? [])) w.line(1, ruleCells(rule).join('\t'));
}

export function describeRoleBinding(w: Writer, object: KubeObject): void {
  w.line(0, `Name:\t${object.metadata.name}`);
  labelsAndAnnotations(w, object);
  w.line(0, 'Role:');
  w.line(1, `Kind:\t${object['roleRef'].kind}`);
  w.line(1, `Name:\t${object['roleRef'].name}`);
  w.line(0, 'Subjects:');
  w.line(1, 'Kind\tName\tNamespace');
  w.line(1, '----\t----\t---------');
  for (const { kind, name, namespace = '' } of object['subjects'] ?? []) w.line(1, `${kind}\t${name}\t${namespace}`);
}
