import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { MovableClock } from '#base/clock.ts';
import { runBundles } from '#certs/bundles.ts';
import { runCaInjection } from '#certs/ca-injection.ts';
import { runCertificates } from '#certs/certificates.ts';
import { createDesk } from '#certs/controller.ts';
import { runIssuers } from '#certs/issuers.ts';
import { conditionOf, find, TARGETS } from '#certs/objects.ts';
import { runRequests } from '#certs/requests.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';

export const START = Date.UTC(2026, 10, 24, 10, 0, 0);
export const HOUR = 3_600_000;

const manifests = (name: string): KubeObject[] =>
  parseAllDocuments(
    readFileSync(new URL(`../../../labs/automatic-rotation/start/${name}`, import.meta.url), 'utf8'),
  ).map((each) => each.toJS());

/** An API server with the CRDs that learners apply, and the controllers, without pods. */
export class CertsWorld {
  readonly clock = new MovableClock({ startAtMs: START });
  readonly server = new ApiServer({ clock: this.clock, admission: [] });
  readonly client: KubeClient = createKubeClient(
    createInProcessTransport(this.server, { username: 'admin', groups: ['system:masters'] }),
  );
  readonly failures: string[] = [];
  #close: () => Promise<void> = async () => {};

  async start(): Promise<void> {
    const wanted = ['Namespace', 'CustomResourceDefinition'];
    for (const object of [...manifests('cert-manager.yaml'), ...manifests('trust-manager.yaml')])
      if (wanted.includes(object.kind)) await this.apply(object);
    for (const name of ['shop', 'linkerd'])
      await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { name } } });
    await this.client.discover({ fresh: true });
    const desk = createDesk({
      client: this.client,
      clock: this.clock,
      clusterResourceNamespace: 'cert-manager',
      failed: (controller, key, error) => this.failures.push(`${controller} ${key}: ${error}`),
    });
    for (const run of [runIssuers, runRequests, runCertificates, runBundles, runCaInjection]) run(desk);
    this.#close = () => desk.life.close();
    await desk.start();
  }

  async stop(): Promise<void> {
    await this.#close();
    this.clock.stop();
  }

  apply(object: KubeObject): Promise<KubeObject> {
    return this.client.apply(object, { fieldManager: 'test', force: true });
  }

  issuer(name: string, spec: object, namespace?: string): Promise<KubeObject> {
    return this.apply({
      apiVersion: 'cert-manager.io/v1',
      kind: namespace ? 'Issuer' : 'ClusterIssuer',
      metadata: { name, ...(namespace ? { namespace } : {}) },
      spec,
    });
  }

  certificate(name: string, spec: object, namespace = 'shop'): Promise<KubeObject> {
    return this.apply({
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata: { name, namespace },
      spec: { secretName: name, ...spec },
    });
  }

  bundle(name: string, spec: object): Promise<KubeObject> {
    return this.apply({ apiVersion: 'trust.cert-manager.io/v1alpha1', kind: 'Bundle', metadata: { name }, spec });
  }

  get(
    target: keyof typeof TARGETS,
    name: string,
    namespace: string | undefined = 'shop',
  ): Promise<KubeObject | undefined> {
    return find(this.client, TARGETS[target], name, namespace);
  }

  async condition(target: keyof typeof TARGETS, name: string, type: string, namespace?: string | undefined) {
    const { status, reason, message } =
      conditionOf(await find(this.client, TARGETS[target], name, namespace), type) ?? {};
    return { status, reason, message };
  }

  /** Waits until a Certificate is ready in this revision. */
  async revision(name: string, revision: number, namespace = 'shop'): Promise<KubeObject> {
    await expect
      .poll(
        async () => {
          const found = await this.get('certificates', name, namespace);
          return [
            found?.['status']?.revision,
            conditionOf(found, 'Ready')?.status,
            conditionOf(found, 'Issuing')?.status,
          ];
        },
        { timeout: 5_000, interval: 5 },
      )
      .toEqual([revision, 'True', undefined]);
    return (await this.get('certificates', name, namespace))!;
  }

  async text(secret: string, key: string, namespace = 'shop'): Promise<string> {
    const found = await this.get('secrets', secret, namespace);
    return Buffer.from(found?.['data']?.[key] ?? '', 'base64').toString();
  }

  async leaf(secret: string, namespace = 'shop'): Promise<X509Certificate> {
    return new X509Certificate(await this.text(secret, 'tls.crt', namespace));
  }

  async events(name: string, namespace = 'shop'): Promise<string[]> {
    const events = await this.client.list({ group: '', version: 'v1', resource: 'events', namespace });
    return events.items
      .filter((each) => each['involvedObject'].name === name)
      .map((each) => `${each['type']} ${each['reason']} ${each['message']}`);
  }

  until(look: () => Promise<unknown>, wanted: unknown): Promise<void> {
    return expect.poll(look, { timeout: 5_000, interval: 5 }).toEqual(wanted);
  }
}
