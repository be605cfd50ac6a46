import { isDeepStrictEqual } from 'node:util';
import { CliError } from '../errors.ts';
import { containersOf, isMeant, patchItem, podSpecOf } from '../pod-template.ts';
import { forEachItem } from '../targets.ts';
import type { Invocation } from '../verb.ts';
import { fetchForSet } from './image.ts';

const QUANTITY = /^[+-]?(\d+\.?\d*|\.\d+)(([eE][+-]?\d+)|[numkMGTPE]|[KMGTPE]i)?$/;

function quantities(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const pair of text === '' ? [] : text.split(',')) {
    const [name = '', value] = pair.split('=');
    if (value === undefined) throw new CliError(`invalid argument syntax ${pair}, expected <resource>=<value>`);
    if (!QUANTITY.test(value)) {
      throw new CliError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    }
    out[name] = value;
  }
  return out;
}

export async function setResources(k: Invocation): Promise<void> {
  const { flags } = k;
  if (!flags.get('limits') && !flags.get('requests')) {
    throw new CliError('you must specify an update to requests or limits (in the form of --requests/--limits)');
  }
  const [limits, requests] = [quantities(flags.get('limits')), quantities(flags.get('requests'))];
  const pattern = flags.get('containers') || '*';
  const { items, errors } = await fetchForSet(k, k.args);
  await forEachItem(items, errors, (item) =>
    patchItem(k, item, 'resource requirements updated', (copy) => {
      const meant = containersOf(podSpecOf(copy)).filter((each) => isMeant(pattern, each.name));
      if (meant.length === 0) throw new CliError(`unable to find container named ${pattern}`);
      for (const container of meant) {
        const { resources = {} } = container;
        container.resources = {
          ...resources,
          ...(Object.keys(limits).length > 0 ? { limits: { ...resources.limits, ...limits } } : {}),
          ...(Object.keys(requests).length > 0 ? { requests: { ...resources.requests, ...requests } } : {}),
        };
      }
    }),
  );
}

export async function setServiceAccount(k: Invocation): Promise<void> {
  if (k.args.length === 0) throw new CliError('serviceaccount is required');
  const account = k.args.at(-1)!;
  const { items, errors } = await fetchForSet(k, k.args.slice(0, -1));
  await forEachItem(items, errors, (item) =>
    patchItem(
      k,
      item,
      'serviceaccount updated',
      (copy) => {
        podSpecOf(copy).serviceAccountName = account;
      },
      true,
    ),
  );
}

export async function setSelector(k: Invocation): Promise<void> {
  if (k.args.length === 0) throw new CliError('a selector is required');
  const text = k.args.at(-1)!;
  const { items, errors } = await fetchForSet(k, k.args.slice(0, -1));
  const within = /^\s*(\S+)\s+(in|notin)\s*\(([^)]*)\)\s*$/.exec(text);
  await forEachItem(items, errors, (item) =>
    patchItem(k, item, 'selector updated', ({ object }) => {
      if (object.kind !== 'Service') throw new CliError('setting a selector is only supported for Services');
      if (within) {
        const operator = within[2] === 'in' ? 'In' : 'NotIn';
        throw new CliError(
          `match expression [{${within[1]} ${operator} [${within[3]!
            .split(',')
            .map((each) => each.trim())
            .join(' ')}]}] not supported on this object`,
        );
      }
      const pairs = text.split(',').map((each) => each.split(/==?/));
      object['spec'].selector = Object.fromEntries(pairs.map(([key = '', value = '']) => [key.trim(), value.trim()]));
    }),
  );
}

const RBAC = 'rbac.authorization.k8s.io';

export async function setSubject(k: Invocation): Promise<void> {
  const { flags } = k;
  const accounts = flags.list('serviceaccount').map((each) => {
    const [namespace, name] = each.split(':');
    if (!namespace || !name) throw new CliError('serviceaccount must be <namespace>:<name>');
    return { kind: 'ServiceAccount', name, namespace };
  });
  const added = [
    ...flags.all('user').map((name) => ({ apiGroup: RBAC, kind: 'User', name })),
    ...flags.all('group').map((name) => ({ apiGroup: RBAC, kind: 'Group', name })),
    ...accounts,
  ];
  if (added.length === 0) throw new CliError('you must specify at least one value of user, group or serviceaccount');
  const { items, errors } = await fetchForSet(k, k.args);
  await forEachItem(items, errors, (item) =>
    patchItem(k, item, 'subjects updated', ({ object }) => {
      const subjects: object[] = [...(object['subjects'] ?? [])];
      for (const each of added) if (!subjects.some((other) => isDeepStrictEqual(other, each))) subjects.push(each);
      object['subjects'] = subjects;
    }),
  );
}
