import { describe, expect, it } from 'vitest';
import { query } from '#mesh/viz/promql/evaluate.ts';
import { readSeries, sampleLines } from '#mesh/viz/promql/exposition.ts';
import { QueryError } from '#mesh/viz/promql/parse.ts';
import { SeriesStore, STALE } from '#mesh/viz/promql/series-store.ts';

/** A counter that grows by `step` every ten seconds, for two minutes. */
function counter(store: SeriesStore, labels: Record<string, string>, step: number): void {
  const series = store.series(labels);
  for (let at = 0; at <= 120; at += 10) store.append(series, at * 1000, (at / 10) * step);
}
const END = 120_000;

function filled(): SeriesStore {
  const store = new SeriesStore({ retentionMs: 600_000 });
  const name = { __name__: 'response_total', namespace: 'shop' };
  counter(store, { ...name, pod: 'a', classification: 'success' }, 9);
  counter(store, { ...name, pod: 'a', classification: 'failure' }, 1);
  counter(store, { ...name, pod: 'b', classification: 'success' }, 2);
  return store;
}
const samples = (store: SeriesStore, text: string) => {
  const found = query(store, text, END);
  if (found.type !== 'vector') throw new Error(found.type);
  return found.samples;
};

describe('Prometheus queries', () => {
  it('pick by labels, exactly and by patterns', () => {
    const store = filled();
    const pods = (text: string) =>
      samples(store, text).map(({ labels }) => `${labels['pod']} ${labels['classification']}`);
    expect(pods('response_total{classification="failure"}')).toEqual(['a failure']);
    expect(pods('response_total{pod!="a"}')).toEqual(['b success']);
    expect(pods('response_total{pod=~"a|b", classification!~"f.*"}')).toEqual(['a success', 'b success']);
    expect(pods('{__name__="response_total", pod="c"}')).toEqual([]);
  });

  it('add up what grew, with the ends of the range carried on', () => {
    const store = filled();
    expect(samples(store, 'sum(increase(response_total[1m])) by (pod)')).toEqual([
      { labels: { pod: 'a' }, value: 60 },
      { labels: { pod: 'b' }, value: 12 },
    ]);
    expect(samples(store, 'sum by (namespace) (rate(response_total[1m]))')[0]?.value).toBeCloseTo(1.2);
    expect(samples(store, 'irate(response_total{pod="b"}[1m])')).toEqual([
      { labels: { namespace: 'shop', pod: 'b', classification: 'success' }, value: 0.2 },
    ]);
  });

  it('take a counter that fell for one that began anew', () => {
    const store = new SeriesStore({ retentionMs: 600_000 });
    const series = store.series({ __name__: 'c' });
    for (const [i, value] of [0, 10, 20, 5, 15].entries()) store.append(series, i * 15_000, value);
    expect(query(store, 'increase(c[1m])', 60_000)).toMatchObject({ samples: [{ value: expect.closeTo(33.33, 1) }] });
  });

  it('find quantiles between the bounds of buckets, and none without observations', () => {
    const store = new SeriesStore({ retentionMs: 600_000 });
    for (const [le, value] of [
      ['10', 50],
      ['20', 100],
      ['+Inf', 100],
    ] as const) {
      store.append(store.series({ __name__: 'ms_bucket', le }), END, value);
      store.append(store.series({ __name__: 'none_bucket', le }), END, 0);
    }
    expect(samples(store, 'histogram_quantile(0.75, ms_bucket)')).toEqual([{ labels: {}, value: 15 }]);
    expect(samples(store, 'histogram_quantile(0.5, sum(none_bucket) by (le))')[0]?.value).toBeNaN();
  });

  it('calculate with vectors whose labels are the same', () => {
    const store = filled();
    const share =
      'sum(rate(response_total{classification="success"}[1m])) by (pod) / sum(rate(response_total[1m])) by (pod) * 100';
    expect(samples(store, share)).toEqual([
      { labels: { pod: 'a' }, value: 90 },
      { labels: { pod: 'b' }, value: 100 },
    ]);
    expect(samples(store, 'sum(response_total) by (pod) > 100')).toEqual([{ labels: { pod: 'a' }, value: 120 }]);
    expect(query(store, '-2 * (3 + 1)', END)).toEqual({ type: 'scalar', value: -8 });
  });

  it('see nothing of a series that ended, or that was silent for five minutes', () => {
    const store = filled();
    const [ended] = store.select([]);
    store.append(ended!, END + 1, STALE);
    expect(query(store, 'count(response_total)', END + 2)).toMatchObject({ samples: [{ value: 2 }] });
    expect(query(store, 'response_total', END + 300_001)).toEqual({ type: 'vector', samples: [] });
  });

  it.each([
    ['', '1:1: parse error: unexpected end of input'],
    ['response_total{pod="a"', '1:23: parse error: unexpected end of input, expected ","'],
    ['rate(response_total)', 'expected type range vector in call to "rate", got something else'],
    ['sum(response_total[1m])', 'parse error: expected type instant vector in sum, got range vector'],
    [
      'topk(3, response_total)',
      'function "topk" is not evaluated here; these are: rate, irate, increase, histogram_quantile, sum, avg, min, max, count',
    ],
    ['a / on(pod) b', '"on" of binary operators is not evaluated here'],
    ['{pod=~".*"}', 'vector selector must contain at least one non-empty matcher'],
  ])('say what is wrong with %j', (text, message) => {
    expect(() => query(filled(), text, END)).toThrow(new QueryError(message));
  });

  it('forget what is older than is kept', () => {
    const store = new SeriesStore({ retentionMs: 60_000, most: 2 });
    counter(store, { __name__: 'a' }, 1);
    store.prune(END + 60_001);
    expect(store.size).toBe(0);
    store.series({ __name__: 'b' });
    store.series({ __name__: 'c' });
    expect(() => store.series({ __name__: 'd' })).toThrow('more than 2 series');
  });
});

describe('the text format', () => {
  it('is read line by line, with escapes, spaces in labels and instants', () => {
    const text = '# HELP a A.\n# TYPE a counter\na{x="1 {y}",z="q\\"\\\\n"} 3\nb +Inf\nc 1.5 1700000000\n\n';
    expect([...sampleLines(text)]).toEqual([
      ['a{x="1 {y}",z="q\\"\\\\n"}', 3],
      ['b', Number.POSITIVE_INFINITY],
      ['c', 1.5],
    ]);
    expect(readSeries('a{x="1 {y}",z="q\\"\\\\n"}')).toEqual({ __name__: 'a', x: '1 {y}', z: 'q"\\n' });
  });
});
