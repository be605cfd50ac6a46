import { isAbort } from '#base/errors.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject, WatchEvent } from '#kube/api/types.ts';
import type { ApiResource } from '#kube/client/client.ts';
import { pathOf } from '#kube/client/paths.ts';
import { expectObject } from '#kube/client/response.ts';
import { ageOf } from './age.ts';
import { parseColumnFile, parseColumns, printColumns } from './custom-columns.ts';
import { CliError, isStatus, usageError, whileListing } from './errors.ts';
import { compactJson } from './json.ts';
import { JsonPathError } from './jsonpath-syntax.ts';
import { loadManifests } from './manifests.ts';
import { formatObject, GET_FORMATS, nameOf, type Output, readOutput } from './output.ts';
import { readWanted, type Wanted } from './resources.ts';
import { sortBy } from './sort-by.ts';
import { isTable, TABLE_ACCEPT, type Table, type TableOptions, TablePrinter } from './table.ts';
import { hasFiles, targetOf, throwAll, withKind } from './targets.ts';
import type { Invocation } from './verb.ts';

/** One request of a get: a list, or one object. */
interface Request extends Wanted {
  namespace?: string;
}

/** What came back: a Table, or plain objects where a server makes no tables or the format needs them. */
interface Answer {
  request: Request;
  table?: Table;
  objects: KubeObject[];
  resourceVersion?: string;
}

export async function get(k: Invocation): Promise<number> {
  const { flags } = k;
  if (flags.get('raw')) return getRaw(k);
  if (k.args.length === 0 && !hasFiles(k)) {
    await k.err(
      'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n\n',
    );
    throw usageError(
      ['get'],
      'Required resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).',
    );
  }
  const output = readOutput(k, GET_FORMATS);
  const isTabular = output.format === '' || output.format === 'wide';
  const requests = await readRequests(k);
  if (flags.bool('watch') || flags.bool('watch-only')) return watch(k, requests, output);

  const answers: Answer[] = [];
  const errors: unknown[] = [];
  for (const request of requests) {
    try {
      answers.push(await fetch(k, request, isTabular && flags.get('server-print') !== 'false'));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      if (!(isStatus(error, 'NotFound') && flags.bool('ignore-not-found'))) errors.push(error);
    }
  }
  const key = flags.get('sort-by');
  if (key) for (const answer of answers) sortAnswer(answer, key, isTabular);
  if (isTabular) await printTables(k, answers, requests, output, errors.length > 0);
  else await printObjects(k, answers, requests, output, errors.length > 0);
  throwAll(errors);
  return 0;
}

async function getRaw(k: Invocation): Promise<number> {
  if (k.args.length > 0) throw new CliError('arguments may not be passed when --raw is specified');
  const path = k.flags.get('raw');
  const value = await k.client.raw('GET', path);
  // The server writes its version for people to read.
  const text = path === '/version' ? JSON.stringify(value, null, 2) : `${JSON.stringify(value)}\n`;
  await k.out(typeof value === 'string' ? value : text);
  return 0;
}

async function readRequests(k: Invocation): Promise<Request[]> {
  const all = k.flags.bool('all-namespaces');
  if (hasFiles(k)) {
    return (await loadManifests(k)).map(({ object, resource, namespace }) => ({
      resource,
      name: object.metadata.name ?? '',
      ...(namespace === undefined ? {} : { namespace }),
    }));
  }
  const selector = k.flags.get('selector');
  const wanted = await readWanted(k.finder, k.args, { allowAll: true, ...(selector ? { selector } : {}) });
  return wanted.map((each) => {
    if (each.name !== undefined && all && each.resource.namespaced) {
      throw new CliError('a resource cannot be retrieved by name across all namespaces');
    }
    return { ...each, ...(each.resource.namespaced && !all ? { namespace: k.namespace } : {}) };
  });
}

async function fetch(k: Invocation, request: Request, tabular: boolean): Promise<Answer> {
  const { resource, name, namespace } = request;
  const answer = await k.client.transport.request({
    method: 'GET',
    path: pathOf(targetOf(resource, namespace), name, k.flags.get('subresource') || undefined),
    query: queryOf(k, request, tabular),
    headers: { accept: tabular ? TABLE_ACCEPT : 'application/json' },
    signal: k.context.signal,
  });
  const selectors = { selector: k.flags.get('selector'), fieldSelector: k.flags.get('field-selector') };
  const value = await expectObject(answer).catch((error: unknown) => {
    throw name === undefined ? whileListing(resource, selectors, error) : error;
  });
  if (isTable(value)) {
    const version = value.metadata?.resourceVersion;
    return { request, table: value, objects: [], ...(version === undefined ? {} : { resourceVersion: version }) };
  }
  const object = value as KubeObject;
  const items = name === undefined ? ((object['items'] ?? []) as KubeObject[]) : [object];
  const version = object.metadata?.resourceVersion;
  return {
    request,
    objects: items.map((each) => withKind(each, resource)),
    ...(version === undefined ? {} : { resourceVersion: version }),
  };
}

function queryOf(k: Invocation, request: Request, tabular: boolean): URLSearchParams {
  const query = new URLSearchParams();
  const { flags } = k;
  if (request.name === undefined) {
    if (flags.get('selector')) query.set('labelSelector', flags.get('selector'));
    if (flags.get('field-selector')) query.set('fieldSelector', flags.get('field-selector'));
    if (!flags.bool('watch') && flags.int('chunk-size') > 0 && !flags.has('sort-by')) query.set('limit', '0');
  }
  query.delete('limit');
  if (tabular && flags.get('sort-by')) query.set('includeObject', 'Object');
  return query;
}

/** A table that cannot be sorted is shown as an empty one, which is how kubectl does it. */
function sortAnswer(answer: Answer, key: string, tabular: boolean): void {
  try {
    sortBySpec(answer, key);
  } catch (error) {
    if (!tabular || !(error instanceof CliError || error instanceof JsonPathError)) throw error;
    answer.objects = [];
    if (answer.table) answer.table = { ...answer.table, rows: [] };
  }
}

function sortBySpec(answer: Answer, key: string): void {
  if (answer.table) {
    const rows = answer.table.rows ?? [];
    answer.table = { ...answer.table, rows: sortBy(rows, key, (row) => row.object) };
  } else answer.objects = sortBy(answer.objects, key, (object) => object);
}

function tableOptions(k: Invocation, output: Output, request: Request, prefix: boolean): TableOptions {
  const { resource } = request;
  const kind = resource.kind.toLowerCase();
  return {
    wide: output.format === 'wide',
    noHeaders: k.flags.bool('no-headers'),
    withNamespace: k.flags.bool('all-namespaces') && resource.namespaced,
    showLabels: k.flags.bool('show-labels'),
    labelColumns: k.flags.list('label-columns'),
    ...(prefix ? { kindPrefix: resource.group ? `${kind}.${resource.group}` : kind } : {}),
  };
}

const sameKind = (a: ApiResource, b: ApiResource): boolean => a.group === b.group && a.resource === b.resource;

/** Tables of one resource are printed as one; between two resources stands an empty line. */
async function printTables(
  k: Invocation,
  answers: Answer[],
  requests: Request[],
  output: Output,
  failed: boolean,
): Promise<void> {
  const shown = answers.filter(({ table, objects }) => (table ? (table.rows ?? []).length : objects.length) > 0);
  const several = shown.some(({ request }) => !sameKind(request.resource, shown[0]!.request.resource));
  const prefix = several || k.flags.bool('show-kind');
  let printer: { resource: ApiResource; table: TablePrinter } | undefined;
  let text = '';
  let isFirst = true;
  for (const answer of answers) {
    const table = answer.table ?? plainTable(answer.objects, k.clock.now());
    if ((table.rows ?? []).length === 0) continue;
    const { resource } = answer.request;
    if (!printer || !sameKind(printer.resource, resource)) {
      text += printer?.table.flush() ?? '';
      if (!isFirst) text += '\n';
      isFirst = false;
      printer = { resource, table: new TablePrinter(tableOptions(k, output, answer.request, prefix)) };
    }
    printer.table.add(table);
  }
  text += printer?.table.flush() ?? '';
  if (text !== '') await k.out(text);
  else if (!failed && !k.flags.bool('ignore-not-found')) await k.err(`${nothingFound(k, requests)}\n`);
}

function nothingFound(k: Invocation, requests: Request[]): string {
  const namespaced = requests.some((each) => each.resource.namespaced);
  return k.flags.bool('all-namespaces') || !namespaced
    ? 'No resources found'
    : `No resources found in ${k.namespace} namespace.`;
}

/** For servers that make no tables. */
function plainTable(objects: KubeObject[], now: number): Table {
  return {
    kind: 'Table',
    columnDefinitions: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Age', type: 'string', priority: 0 },
    ],
    rows: objects.map((object) => ({
      cells: [object.metadata.name, ageOf(object.metadata.creationTimestamp, now)],
      object,
    })),
  };
}

async function printObjects(
  k: Invocation,
  answers: Answer[],
  requests: Request[],
  output: Output,
  failed: boolean,
): Promise<void> {
  const objects = answers.flatMap((answer) => answer.objects);
  if (output.format.startsWith('custom-columns')) {
    const columns = output.format.endsWith('file')
      ? parseColumnFile(await k.readFile(output.argument))
      : parseColumns(output.argument);
    if (objects.length > 0 || !failed) await k.out(printColumns(columns, objects, k.flags.bool('no-headers')));
    return;
  }
  if (output.format === 'name') {
    await k.out(objects.map((object) => `${nameOf(object)}\n`).join(''));
    return;
  }
  const isSingle = requests.length === 1 && requests[0]!.name !== undefined;
  if (isSingle && objects.length === 0) return;
  if (failed && objects.length === 0) return;
  const shown = isSingle
    ? objects[0]!
    : ({ apiVersion: 'v1', items: objects, kind: 'List', metadata: { resourceVersion: '' } } as unknown as KubeObject);
  await k.out(await formatObject(k, output, shown));
}

/** Lists (unless --watch-only), then prints every change until the watch ends. */
async function watch(k: Invocation, requests: Request[], output: Output): Promise<number> {
  const { flags } = k;
  const [request] = requests;
  const tabular = output.format === '' || output.format === 'wide';
  if (requests.length !== 1 || !request) {
    const isOneKind = requests.every((each) => sameKind(each.resource, requests[0]!.resource));
    if (isOneKind) for (const each of requests) await fetch(k, each, tabular);
    throw new CliError('you may only specify a single resource type');
  }
  const withEvents = flags.bool('output-watch-events');
  const first = await fetch(k, request, tabular);
  const printer = new TablePrinter(tableOptions(k, output, request, flags.bool('show-kind')));
  const columns = output.format === 'custom-columns' ? parseColumns(output.argument) : undefined;
  let headed = flags.bool('no-headers');
  const show = async (value: KubeObject | Table, event: string) => {
    const shownEvent = withEvents ? event : undefined;
    if (isTable(value)) {
      printer.add(value, shownEvent);
      await k.out(printer.flush());
    } else if (columns) {
      await k.out(printColumns(columns, [value], headed));
      headed = true;
    } else if (withEvents && output.format === 'json') {
      await k.out(`{"type":${JSON.stringify(event)},"object":${compactJson(value)}}\n`);
    } else if (withEvents && !tabular) {
      await k.out(await formatObject(k, output, { type: event, object: value } as unknown as KubeObject));
    } else await k.out(await formatObject(k, output, value));
  };
  if (!flags.bool('watch-only')) {
    if (first.table) await show(first.table, 'ADDED');
    for (const object of first.objects) await show(object, 'ADDED');
  }
  const query = queryOf(k, request, tabular);
  query.set('watch', 'true');
  const version =
    first.resourceVersion ??
    first.objects[0]?.metadata.resourceVersion ??
    first.table?.rows?.[0]?.object.metadata.resourceVersion;
  if (version) query.set('resourceVersion', version);
  if (request.name !== undefined) query.set('fieldSelector', `metadata.name=${request.name}`);
  try {
    const response = await k.client.transport.request({
      method: 'GET',
      path: pathOf(targetOf(request.resource, request.namespace)),
      query,
      headers: { accept: tabular ? TABLE_ACCEPT : 'application/json' },
      signal: k.context.signal,
    });
    if (response.body.type !== 'events') await expectObject(response);
    else {
      for await (const event of response.body.events as AsyncIterable<WatchEvent>) {
        if (event.type === 'BOOKMARK') continue;
        if (event.type === 'ERROR') throw new StatusError(event.object as never);
        await show(event.object, event.type);
      }
    }
  } catch (error) {
    if (!k.context.signal.aborted && !isAbort(error)) throw error;
  }
  return 0;
}
