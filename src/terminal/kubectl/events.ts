import type { KubeObject } from '#kube/api/types.ts';
import { ageOf } from './age.ts';
import { CliError, usageError } from './errors.ts';
import { formatObject, OBJECT_FORMATS, readOutput } from './output.ts';
import { alignRows } from './table.ts';
import type { Invocation } from './verb.ts';

/** `kubectl events`: newest last, as a table or in a format. */
export async function events(k: Invocation): Promise<void> {
  const { flags } = k;
  if (k.args.length > 0) throw usageError(['events'], `unexpected args: [${k.args.join(' ')}]`);
  const types = flags.list('types');
  for (const type of types) {
    if (!/^(normal|warning)$/i.test(type)) throw new CliError('valid --types are Normal or Warning');
  }
  const everywhere = flags.bool('all-namespaces');
  const target = { group: '', version: 'v1', resource: 'events', ...(everywhere ? {} : { namespace: k.namespace }) };
  const selector = await selectorOf(k);
  const list = await k.client.list(target, selector ? { fieldSelector: selector } : {});
  const shown = list.items
    .filter((event) => types.length === 0 || types.some((type) => type.toLowerCase() === event['type'].toLowerCase()))
    .map((event) => ({ ...event, apiVersion: 'v1', kind: 'Event' }))
    .sort((a, b) => lastSeen(a).localeCompare(lastSeen(b)));
  const output = readOutput(k, OBJECT_FORMATS);
  if (output.format !== '') return printAs(k, shown);
  if (shown.length > 0)
    await k.out(
      alignRows(
        headersOf(k),
        shown.map((event) => rowOf(k, event)),
      ),
    );
  else if (!flags.bool('watch'))
    await k.err(everywhere ? 'No events found.\n' : `No events found in ${k.namespace} namespace.\n`);
  if (flags.bool('watch')) await follow(k, list.metadata.resourceVersion, target, selector);
}

async function printAs(k: Invocation, shown: KubeObject[]): Promise<void> {
  const output = readOutput(k, OBJECT_FORMATS);
  // kubectl prints no names here.
  if (output.format === 'name') return;
  const list = { apiVersion: 'v1', kind: 'EventList', metadata: {}, items: shown } as unknown as KubeObject;
  await k.out(await formatObject(k, output, list));
}

async function follow(
  k: Invocation,
  resourceVersion: string | undefined,
  target: { group: string; version: string; resource: string; namespace?: string },
  fieldSelector: string,
): Promise<void> {
  const watch = k.client.watch(target, {
    ...(fieldSelector ? { fieldSelector } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
    signal: k.context.signal,
  });
  for await (const { type, object } of watch) {
    if (type === 'ADDED' || type === 'MODIFIED') await k.out(alignRows(undefined, [rowOf(k, object)]));
  }
}

async function selectorOf(k: Invocation): Promise<string> {
  const wanted = k.flags.get('for');
  if (!wanted) return '';
  const [type = '', name = ''] = wanted.split('/');
  if (!type || !name) throw new CliError('--for must be in resource/name form');
  const resource = await k.finder.find(type);
  const apiVersion = resource.group ? `${resource.group}/${resource.version}` : resource.version;
  return `involvedObject.kind=${resource.kind},involvedObject.name=${name},involvedObject.apiVersion=${apiVersion}`;
}

const lastSeen = (event: KubeObject): string =>
  event['series']?.lastObservedTime ??
  event['lastTimestamp'] ??
  event['eventTime'] ??
  event.metadata.creationTimestamp ??
  '';

function headersOf(k: Invocation): string[] | undefined {
  if (k.flags.bool('no-headers')) return undefined;
  const headers = ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'];
  return k.flags.bool('all-namespaces') ? ['NAMESPACE', ...headers] : headers;
}

function rowOf(k: Invocation, event: KubeObject): string[] {
  const { kind, name } = event['involvedObject'] ?? {};
  const cells = [
    seen(event, k.clock.now()),
    event['type'],
    event['reason'],
    `${kind}/${name}`,
    (event['message'] ?? '').trim(),
  ];
  return k.flags.bool('all-namespaces') ? [event.metadata.namespace ?? '', ...cells] : cells;
}

function seen(event: KubeObject, now: number): string {
  const first = ageOf(event['firstTimestamp'] ?? event['eventTime'], now);
  if (event['series'])
    return `${ageOf(event['series'].lastObservedTime, now)} (x${event['series'].count} over ${first})`;
  return event['count'] > 1 ? `${ageOf(event['lastTimestamp'], now)} (x${event['count']} over ${first})` : first;
}
