import { describe, expect, it } from 'vitest';
import { certificateSentences, certificatesSummary } from '#workbench/views/certificate-sentences.ts';
import { matches } from '#workbench/views/events-view.ts';
import { issuerSigner, lifeUsed } from '#workbench/views/issuer-colours.ts';
import { judge, matrixSummary, routeLabels } from '#workbench/views/policy-words.ts';
import { layOut, stack, succession } from '#workbench/views/timeline.ts';
import { trafficSummary } from '#workbench/views/traffic-view.ts';
import { event, sampleCertificates, sampleMatrix, sampleTraffic } from '../../support/sample-views.ts';

const NOW = Date.UTC(2026, 10, 25, 14, 2, 11);

describe('the certificates’ timeline', () => {
  const view = sampleCertificates(NOW);
  const line = layOut(view, 170, 800);

  it('keeps the past to scale, and the future to the right of now', () => {
    expect(line.x(line.from)).toBeCloseTo(170);
    expect(line.x(NOW)).toBeCloseTo(line.nowX);
    const middle = (line.from + NOW) / 2;
    expect(line.x(middle)).toBeCloseTo((170 + line.nowX) / 2);
    for (const { next } of line.lanes) expect(next!.x + next!.width).toBeLessThanOrEqual(800);
  });

  it('draws a bar a segment, in order, without a hole', () => {
    for (const { bars } of line.lanes) {
      for (const [at, bar] of bars.entries()) {
        const before = bars[at - 1];
        if (before) expect(bar.x).toBeGreaterThanOrEqual(before.x + before.width - 0.01);
      }
    }
  });

  it('does not let a young cluster fill the picture', () => {
    const young = layOut(
      { ...view, lanes: [{ ...view.lanes[0]!, segments: [{ ...view.lanes[0]!.segments[0]!, from: NOW - 2_000 }] }] },
      0,
      100,
    );
    expect(young.from).toBe(NOW - 20_000);
  });

  it('puts a pod that was replaced into the lane of the one that replaced it', () => {
    const lane = (pod: string, workload: string, from: number, until?: number) => ({
      pod,
      workload,
      namespace: 'shop',
      segments: [
        { ...view.lanes[0]!.segments[0]!, from: NOW - from, ...(until === undefined ? {} : { until: NOW - until }) },
      ].map(({ until: end, ...segment }) => (until === undefined ? segment : { ...segment, until: end! })),
    });
    const rows = succession([
      lane('api-old-1', 'api', 300_000, 20_000),
      lane('api-old-2', 'api', 300_000, 18_000),
      lane('api-new-1', 'api', 25_000),
      lane('api-new-2', 'api', 22_000),
      lane('web-gone', 'web', 300_000, 200_000),
    ]);
    expect(rows.map((row) => row.map(({ pod }) => pod).join(' > '))).toEqual([
      'api-old-2 > api-new-1',
      'api-old-1 > api-new-2',
      'web-gone',
    ]);
  });

  it('stacks labels without overlap', () => {
    const placed = stack(
      [
        { x: 0, width: 50, text: 'a' },
        { x: 20, width: 50, text: 'b' },
        { x: 70, width: 50, text: 'c' },
      ],
      3,
    );
    expect(placed.map(({ label, row }) => `${label.text}${row}`)).toEqual(['a0', 'b1', 'c0']);
  });

  it('says the same in words', () => {
    expect(certificatesSummary(view)).toBe(
      '3 pods with a certificate of issuer 2 and 2 pods with a certificate of issuer 1. 1 pod can’t be verified.'.replace(
        '’',
        "'",
      ),
    );
    const text = certificateSentences(view).join('\n');
    for (const { pod } of view.lanes) expect(text).toContain(`shop/${pod}: issuer 1 from`);
    expect(text).toContain('renews in 16 h');
    expect(text).toContain('issuer 3 is not signed by an anchor in the bundle');
    expect(text).toContain('IssuerUpdated');
  });

  it('keeps an issuer’s colour by its place of appearance', () => {
    expect(issuerSigner(view, view.issuers[1]!.fingerprint)).toEqual({ name: 'issuer 2', colour: 'var(--issuer-2)' });
    expect(issuerSigner(view, 'nobody').name).toBe('an unknown issuer');
    expect(lifeUsed({ notBefore: 0, notAfter: 100 }, 70)).toBeCloseTo(0.7);
  });
});

describe('the policy matrix', () => {
  it('tells too much from too little', () => {
    const matrix = sampleMatrix(NOW);
    const words = matrix.cells.map((cell) => judge(cell).word);
    expect(words.filter((word) => word === 'too much')).toHaveLength(1);
    expect(words.filter((word) => word === 'too little')).toHaveLength(1);
    expect(matrixSummary(matrix)).toContain('too much');
    expect(matrixSummary({ ...matrix, cells: matrix.cells.map(({ expected: _expected, ...cell }) => cell) })).toBe(
      'All are as the lab asks.',
    );
  });

  it('calls its columns by what differs', () => {
    const matrix = sampleMatrix(NOW);
    const routes = [
      { name: 'a', method: 'GET', url: 'http://api.shop/orders' },
      { name: 'b', method: 'GET', url: 'http://api.shop:9090/metrics' },
    ];
    expect(routeLabels(routes).host).toBe('api.shop');
    expect([...routeLabels(routes).labels.values()]).toEqual(['GET /orders', 'GET :9090/metrics']);
    const other = [...routes, { name: 'GET http://web.shop/', method: 'GET', url: 'http://web.shop/' }];
    expect(routeLabels(other).labels.get('GET http://web.shop/')).toBe('GET http://web.shop/');
    expect(routeLabels(matrix.routes).labels.size).toBe(4);
  });

  it('does not call what was not seen yet a mistake', () => {
    const cell = { client: 'web', route: 'x', expected: 'allow' as const, status: 0, at: 0 };
    expect(judge({ ...cell, observed: 'unknown' }).wrong).toBe(false);
    expect(judge({ ...cell, observed: 'unreachable' })).toMatchObject({ wrong: true, word: 'no answer' });
  });
});

describe('traffic and events', () => {
  it('are told in a sentence with figures', () => {
    expect(trafficSummary(sampleTraffic(NOW))).toMatch(
      /^4.812 requests in 15 min, none was lost\. Longest gap between two answers: 238 ms\.$/,
    );
    expect(trafficSummary(sampleTraffic(NOW, 2))).toContain('2 requests failed');
  });

  it('are found by every word of the filter', () => {
    const seen = event(NOW, 'shop', 'Pod/api-1', 'Unhealthy', 'Readiness probe failed', true);
    expect(matches(seen, 'api unhealthy')).toBe(true);
    expect(matches(seen, 'api created')).toBe(false);
    expect(matches(seen, '')).toBe(true);
  });
});
