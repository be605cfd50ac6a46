import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readParameters } from '#grader/parameters.ts';
import { lab as labSchema } from '#schema/lab.ts';
import { LabSource } from '#server/sessions/lab-source.ts';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { LabProcess } from '../../src/cli/prove/lab-process.ts';
import { ROOT } from '../../src/cli/root.ts';

/** Checks that judge what proxies count and what learners write, each in a task named after it. */
const WITH: Record<string, object> = {
  answer: { answer: 'who' },
  'command-output': { command: 'kubectl get serviceaccounts -n shop -o name', contains: ['serviceaccount/late'] },
  'file-contains': { file: 'note.txt', matches: '^done$' },
  latency: { of: 'shop/api', underMs: 2_000, seconds: 10, requests: 10 },
  'linkerd-check': { categories: ['linkerd-existence', 'linkerd-identity', 'linkerd-identity-data-plane'] },
  metric: { pods: 'shop/api', name: 'inbound_http_authz_allow_total', labels: { tls: 'true' }, is: { above: 20 } },
  request: { from: 'shop/web', to: 'GET http://api.shop:9090/', is: 'denied' },
  retries: { from: 'shop/load', service: 'shop/api', seconds: 5 },
  'rotation-timeline': { pods: 'shop/*', stage: 'both-trusted' },
  'success-rate': { of: 'traffic', atLeast: 0.95, seconds: 10, requests: 10 },
  'weight-split': {
    from: 'shop/web',
    service: 'shop/api',
    backends: { api: 0.5, spare: 0.5 },
    url: 'http://api.shop/orders',
    requests: 100,
  },
};

/** Half of the requests go to a backend that always fails, and are tried again. */
const ROUTE = `cat <<'EOF' | kubectl apply -f -
apiVersion: v1
kind: ServiceAccount
metadata: { name: late, namespace: shop }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: spare, namespace: shop, labels: { app: spare } }
spec:
  selector: { matchLabels: { app: spare } }
  template:
    metadata: { labels: { app: spare } }
    spec:
      containers:
        - name: spare
          image: hashicorp/http-echo:1.0
          args: ["-listen=:8080", "-text=no", "-status-code=503"]
---
apiVersion: v1
kind: Service
metadata: { name: spare, namespace: shop }
spec: { selector: { app: spare }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: split
  namespace: shop
  annotations: { retry.linkerd.io/http: 5xx, retry.linkerd.io/limit: "9" }
spec:
  parentRefs: [{ group: "", kind: Service, name: api, port: 80 }]
  rules:
    - backendRefs: [{ name: api, port: 80, weight: 1 }, { name: spare, port: 80, weight: 1 }]
---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: { name: metrics, namespace: shop }
spec: { podSelector: { matchLabels: { app: api } }, port: metrics, accessPolicy: deny }
EOF
kubectl -n shop rollout status deployment/spare --timeout=1m
echo done > note.txt`;

let session: LabProcess;
const verdict = (id: string) => session.tasks.find((task) => task.id === id)?.verdict;

beforeAll(async () => {
  const { workerEntry } = await ensureBuilt(() => {}, ['worker']);
  const base = await new LabSource(join(ROOT, 'labs')).load('default-deny');
  const definition = readParameters(
    labSchema.parse({
      ...base.definition,
      traffic: { from: 'deployment/load', namespace: 'shop', to: 'http://api.shop/orders', perSecond: 10 },
      answers: [{ id: 'who', question: 'Who asks?', right: 'load' }],
      tasks: Object.entries(WITH).map(([check, parameters]) => ({ id: check, title: check, check, with: parameters })),
    }),
  );
  session = new LabProcess({ ...base, definition }, { entry: workerEntry, driver: 'embedded' });
  await session.ready();
}, 180_000);
afterAll(() => session?.stop());

describe('checks in a cluster', () => {
  it('are not passed by an untouched one, but for what is so', { timeout: 60_000 }, async () => {
    const good = ['latency', 'linkerd-check', 'metric', 'success-rate'];
    for (const id of good) await session.until(() => verdict(id)?.state === 'passed', 40_000, `${id} to pass`);
    const passed = session.tasks.filter(({ verdict }) => verdict?.state === 'passed').map(({ id }) => id);
    expect(passed.sort()).toEqual(good);
    expect(session.tasks.filter(({ verdict }) => verdict?.state === 'broken')).toEqual([]);
    expect(verdict('rotation-timeline')?.said).toContain('has not seen anchor 2');
  });

  it('see what was brought about', { timeout: 120_000 }, async () => {
    const { code, output } = await session.run(ROUTE);
    expect(code, output).toBe(0);
    session.answer('who', 'Load');
    const changed = Object.keys(WITH).filter((id) => id !== 'rotation-timeline');
    const passed = () => changed.every((id) => verdict(id)?.state === 'passed');
    await session.until(passed, 60_000, 'all to pass').catch(() => {});
    expect(changed.filter((id) => verdict(id)?.state !== 'passed').map((id) => `${id}: ${verdict(id)?.said}`)).toEqual(
      [],
    );
    expect(verdict('retries')?.said).toMatch(/retr(y|ies) for \d+ requests?\./);
    expect(verdict('weight-split')?.evidence[0]).toMatchObject({
      type: 'shares',
      backends: [{ name: 'api' }, { name: 'spare' }],
    });
  });

  it('see it gone again', { timeout: 60_000 }, async () => {
    const { code } = await session.run(
      'kubectl -n shop delete httproute split; kubectl -n shop delete server.policy.linkerd.io metrics; kubectl -n shop delete serviceaccount late; rm note.txt',
    );
    expect(code).toBe(0);
    session.answer('who', 'web');
    for (const id of ['answer', 'command-output', 'file-contains', 'request', 'weight-split'])
      await session.until(() => verdict(id)?.state !== 'passed', 30_000, `${id} to turn red`);
  });
});
