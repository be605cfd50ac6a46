import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientFromKubeconfig } from '#kube/client/kubeconfig.ts';
import { TestAcademy, type TestLearner, type TestPage } from '../support/academy.ts';

const FILES: Record<string, string> = {
  'lab.yaml': `
title: Two clusters
summary: For a test.
level: beginner
minutes: 1
cluster: { mesh: none, others: [{ name: west }] }
start: [both.sh, west/web.yaml, west/more.sh]
tasks:
  - { id: here, title: The map is in the east, check: object, with: { apiVersion: v1, resource: configmaps, name: mine, namespace: default } }
  - { id: node, title: The node is of the west, cluster: west, check: command-output, with: { command: kubectl get nodes -o name, contains: [node/west] } }
  - { id: there, title: The map is in the west, cluster: west, check: object, with: { apiVersion: v1, resource: configmaps, name: mine, namespace: default } }
`,
  'start/both.sh': 'for c in east west; do kubectl --context $c create namespace shop; done\n',
  'start/west/web.yaml': `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: hashicorp/http-echo:1.0
          args: ["-listen=:8080", "-text=from the west"]
`,
  'start/west/more.sh': 'kubectl -n shop expose deployment web --type LoadBalancer --port 80 --target-port 8080\n',
};

describe('a session with two clusters', () => {
  const labsDir = mkdtempSync(join(tmpdir(), 'academy-labs-'));
  const academy = new TestAcademy({ labsDir });
  let learner: TestLearner;
  let page: TestPage;
  const ready = () => page.until(() => page.session?.state === 'ready', 60_000, 'the lab to be ready');

  beforeAll(async () => {
    for (const [name, content] of Object.entries(FILES)) {
      const path = join(labsDir, 'two', name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    await academy.start();
    learner = academy.learner();
    await learner.startLab('two');
    page = learner.connect('two');
    await page.openTerminal();
    await ready();
  });
  afterAll(async () => {
    page?.close();
    await academy.remove();
    rmSync(labsDir, { recursive: true, force: true });
  });

  it('has a context for each, of which the main one is current', async () => {
    expect(await page.run('kubectl config get-contexts -o name')).toMatch(/east\r?\nwest/);
    expect(await page.run('kubectl config current-context')).toContain('east');
    expect(await page.run('kubectl get nodes')).toMatch(/^east +Ready/m);
    expect(await page.run('kubectl --context west get nodes')).toMatch(/^west +Ready/m);
    expect(await page.run('kubectl --context north get nodes')).toContain('context was not found');
  });

  it('was set up in both by the folders of its start', async () => {
    expect(await page.run('kubectl get deployments -A')).toContain('No resources found');
    expect(await page.run('kubectl --context west -n shop get deployments')).toMatch(/^web +1\/1/m);
    expect(await page.run('kubectl --context west -n shop get service web')).toMatch(
      /LoadBalancer +10\.97\S+ +172\.18\.201\.1 /,
    );
  });

  it('is graded in the cluster that the task names', async () => {
    const passed = (id: string) => page.task(id)?.verdict?.state === 'passed';
    await page.run('kubectl config use-context west && kubectl create configmap mine');
    await page.until(() => passed('there'), 10_000, 'the task about the west');
    expect(passed('here')).toBe(false);
    expect(await page.run('kubectl config current-context')).toContain('west');
    await page.run('kubectl config use-context east && kubectl create configmap mine');
    await page.until(() => passed('here'), 10_000, 'the task about the east');
  });

  it('shows the events of the cluster that the page looks at', async () => {
    const shown = (cluster: string) =>
      page.messages.flatMap((message) =>
        message.type === 'view.events' && message.cluster === cluster
          ? [message.events.map(({ object }) => object)]
          : [],
      );
    const ofWeb = (cluster: string) =>
      shown(cluster)
        .flat()
        .filter((object) => object.includes('web'));
    page.send({ type: 'views.watch', views: ['events'], observe: [], clusters: ['west'] });
    await page.until(() => ofWeb('west').length > 0, 10_000, 'events of the west');
    expect(shown('east')).toEqual([]);
    page.send({ type: 'views.watch', views: ['events'], observe: [], clusters: [] });
    await page.until(() => shown('east').length > 0, 10_000, 'events of the east');
    expect(ofWeb('east')).toEqual([]);
  });

  it('runs a check’s command in the cluster that its task names', async () => {
    await page.until(() => page.task('node')?.verdict?.state === 'passed', 20_000, 'the task about the node');
  });

  it('can be reached from outside, each by its context', async () => {
    const text = await (await learner.fetch('/api/labs/two/kubeconfig')).text();
    for (const name of ['east', 'west']) {
      const nodes = await clientFromKubeconfig(text, name).list({ group: '', version: 'v1', resource: 'nodes' });
      expect(nodes.items.map(({ metadata }) => metadata.name)).toEqual([name]);
    }
  });

  it('comes back with both after a restart', { timeout: 120_000 }, async () => {
    await page.run('kubectl config use-context west && kubectl config set-context west --namespace shop');
    page.close();
    await academy.stop();
    await academy.start();
    page = learner.connect('two');
    await ready();
    await page.openTerminal();
    for (const name of ['east', 'west'])
      expect(await page.run(`kubectl --context ${name} -n default get configmap mine`)).toMatch(/^mine/m);
    expect(await page.run('kubectl get deployments')).toMatch(/^web +1\/1/m);
  });
});
