import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#base/clock.ts';
import { query, type Result } from '../promql/evaluate.ts';
import { parseRange, QueryError } from '../promql/parse.ts';
import type { SeriesStore } from '../promql/series-store.ts';
import type { Scraper } from './scrape.ts';

export interface Held {
  store: SeriesStore;
  /** The configuration as it was read. */
  config: string;
  clock: Clock;
  scrapers(): Scraper[];
}

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_POINTS = 11_000;

class BadData extends Error {}

/** Prometheus' HTTP API, as much of it as there is. */
export async function answer(held: Held, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const parameters = url.searchParams;
  if (request.method === 'POST') {
    for (const [name, value] of new URLSearchParams(await bodyOf(request))) parameters.append(name, value);
  }
  const json = (status: number, value: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  const plain = (status: number, text: string) =>
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
  switch (url.pathname) {
    case '/-/healthy':
      return void plain(200, 'Prometheus Server is Healthy.\n');
    case '/-/ready':
      return void plain(200, 'Prometheus Server is Ready.\n');
    case '/metrics':
      return void plain(200, `prometheus_tsdb_head_series ${held.store.size}\n`);
  }
  try {
    const data = dataOf(held, url.pathname, parameters);
    if (data === undefined) return void plain(404, '404 page not found\n');
    json(200, { status: 'success', data });
  } catch (error) {
    if (!(error instanceof BadData || error instanceof QueryError)) throw error;
    json(400, { status: 'error', errorType: 'bad_data', error: error.message });
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error('the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function dataOf(held: Held, path: string, parameters: URLSearchParams): unknown {
  const { store, clock } = held;
  switch (path) {
    case '/api/v1/query': {
      const at = instantOf(parameters, 'time', clock.now());
      return resultData(
        asked(() => query(store, parameters.get('query') ?? '', at)),
        at,
      );
    }
    case '/api/v1/query_range':
      return rangeData(held, parameters);
    case '/api/v1/status/config':
      return { yaml: held.config };
    case '/api/v1/status/buildinfo':
      return { version: '2.55.1', goVersion: '', branch: '', revision: '', buildUser: '', buildDate: '' };
    case '/api/v1/targets':
      return { activeTargets: held.scrapers().map(targetData), droppedTargets: [] };
    case '/api/v1/labels':
      return [...new Set(store.select([]).flatMap(({ labels }) => Object.keys(labels)))].sort();
  }
  const [, label] = /^\/api\/v1\/label\/(\w+)\/values$/.exec(path) ?? [];
  if (!label) return undefined;
  return [...new Set(store.select([]).flatMap(({ labels }) => labels[label] ?? []))].sort();
}

function asked<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (error instanceof QueryError) throw new BadData(`invalid parameter "query": ${error.message}`);
    throw error;
  }
}

/** Seconds since the epoch, or RFC 3339; ms. */
function instantOf(parameters: URLSearchParams, name: string, otherwise?: number): number {
  const text = parameters.get(name);
  if (!text && otherwise !== undefined) return otherwise;
  const at = /^\d+(\.\d+)?$/.test(text ?? '') ? Number(text) * 1000 : Date.parse(text ?? '');
  if (Number.isNaN(at)) {
    throw new BadData(
      `invalid parameter ${JSON.stringify(name)}: cannot parse ${JSON.stringify(text ?? '')} to a valid timestamp`,
    );
  }
  return at;
}

const numberText = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);

function resultData(result: Result, at: number): object {
  const seconds = at / 1000;
  switch (result.type) {
    case 'scalar':
      return { resultType: 'scalar', result: [seconds, numberText(result.value)] };
    case 'vector':
      return {
        resultType: 'vector',
        result: result.samples.map(({ labels, value }) => ({ metric: labels, value: [seconds, numberText(value)] })),
      };
    case 'matrix':
      return {
        resultType: 'matrix',
        result: result.series.map(({ labels, points }) => ({
          metric: labels,
          values: points.map(([time, value]) => [time / 1000, numberText(value)]),
        })),
      };
  }
}

function rangeData({ store }: Held, parameters: URLSearchParams): object {
  const [start, end] = [instantOf(parameters, 'start'), instantOf(parameters, 'end')];
  const text = parameters.get('step') ?? '';
  const step = parseRange(text) ?? Number(text) * 1000;
  if (!(step > 0))
    throw new BadData('zero or negative query resolution step widths are not accepted. Try a positive integer');
  if (end < start) throw new BadData('invalid parameter "end": end timestamp must not be before start time');
  if ((end - start) / step > MAX_POINTS)
    throw new BadData(
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    );
  const series = new Map<string, { metric: object; values: [number, string][] }>();
  for (let at = start; at <= end; at += step) {
    const result = asked(() => query(store, parameters.get('query') ?? '', at));
    if (result.type === 'matrix')
      throw new BadData('invalid expression type "range vector" for range query, must be Scalar or instant Vector');
    const samples = result.type === 'scalar' ? [{ labels: {}, value: result.value }] : result.samples;
    for (const { labels, value } of samples) {
      const key = JSON.stringify(Object.entries(labels).sort());
      const one = series.get(key) ?? { metric: labels, values: [] };
      one.values.push([at / 1000, numberText(value)]);
      series.set(key, one);
    }
  }
  return { resultType: 'matrix', result: [...series.values()] };
}

function targetData({ target, health, lastError, lastAt, lastMs }: Scraper): object {
  return {
    discoveredLabels: target.discovered,
    labels: target.labels,
    scrapePool: target.job.name,
    scrapeUrl: target.url,
    globalUrl: target.url,
    lastError,
    lastScrape: new Date(lastAt).toISOString(),
    lastScrapeDuration: lastMs / 1000,
    health,
    scrapeInterval: `${target.job.intervalMs / 1000}s`,
    scrapeTimeout: `${target.job.timeoutMs / 1000}s`,
  };
}
