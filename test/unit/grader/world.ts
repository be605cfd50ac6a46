import { MovableClock } from '#base/clock.ts';
import { Answers } from '#grader/answers.ts';
import { CATALOGUE } from '#grader/catalogue.ts';
import type { CheckContext, Outcome } from '#grader/check.ts';
import { CertificateNames } from '#grader/names.ts';
import type { Series } from '#grader/probes/metrics.ts';
import { ProxyMetrics } from '#grader/probes/proxy-metrics.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { ExecOptions } from '#kube/client/client.ts';
import type { Handshake } from '#schema/evidence.ts';
import type { AnswerDefinition } from '#schema/lab.ts';

export const NOW = Date.UTC(2026, 0, 1);

/** A cluster that says what a test tells it to say. */
export class FakeWorld {
  readonly clock = new MovableClock({ wall: () => NOW });
  readonly names = new CertificateNames();
  /** By resource. */
  objects: Record<string, KubeObject[]> = {};
  handshakes: Handshake[] = [];
  /** By pod name; a pod that is not here does not answer. */
  series: Record<string, Series[]> = {};
  files: Record<string, string> = {};
  traffic: { evidence(): unknown; since(at: number): unknown } | undefined;
  answers = new Answers([]);
  /** What the container's shell prints to a script. */
  exec: (script: string) => string = () => '';
  script: (script: string) => { code: number; output: string } = () => ({ code: 0, output: '' });
  readonly context: CheckContext;

  constructor(questions: AnswerDefinition[] = []) {
    this.answers = new Answers(questions);
    const client = {
      list: async ({ resource, namespace }: { resource: string; namespace?: string }) => ({
        items: (this.objects[resource] ?? []).filter((o) => !namespace || o.metadata.namespace === namespace),
        metadata: {},
      }),
      get: async ({ resource }: { resource: string }, name: string) => {
        const found = this.objects[resource]?.find((object) => object.metadata.name === name);
        if (found) return found;
        throw Object.assign(new Error('not found'), { status: { code: 404 } });
      },
      exec: async ({ command, stdout }: ExecOptions) => {
        stdout?.(Buffer.from(this.exec(command.at(-1)!)));
        return 0;
      },
    } as unknown as CheckContext['client'];
    const metrics = new ProxyMetrics(client, this.clock, async (_, pod) => {
      const series = this.series[pod];
      if (!series) throw new Error('connection refused');
      return series.map((one) => ({ ...one }));
    });
    const world = this;
    this.context = {
      client,
      clock: this.clock,
      names: this.names,
      handshakes: { all: async () => world.handshakes },
      metrics,
      memory: new Map(),
      files: { read: (path: string) => world.files[path] },
      runScript: async (script: string) => world.script(script),
      get traffic() {
        return world.traffic;
      },
      get answers() {
        return world.answers;
      },
      startedAt: NOW,
      signal: new AbortController().signal,
    } as unknown as CheckContext;
  }

  look(check: string, parameters: object): Promise<Outcome> {
    const { params, run } = CATALOGUE.get(check)!;
    return run(params.parse(parameters), this.context);
  }
}

/** A ready pod with a proxy in the namespace `shop`. */
export const meshedPod = (app: string, name = `${app}-1`): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'shop',
    uid: name,
    labels: { app, 'pod-template-hash': '1' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${app}-1`, uid: app, controller: true }],
  },
  spec: { serviceAccountName: app, containers: [{ name: app }, { name: 'linkerd-proxy' }] },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
});
