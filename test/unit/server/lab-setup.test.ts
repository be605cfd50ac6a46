import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { LoadedLab } from '#server/sessions/lab-source.ts';
import { setUpLab } from '#server/sessions/worker/lab-setup.ts';

const START = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, annotations: { linkerd.io/inject: enabled } }
---
apiVersion: v1
kind: Namespace
metadata: { name: outside }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
`;

/** What was asked of the cluster, in order. Its injector hears of a namespace at the given try. */
async function setUp(mesh: 'linkerd' | 'none', knownAt: number): Promise<string[]> {
  const asked: string[] = [];
  let tries = 0;
  const client = {
    apply: async ({ kind, metadata }: KubeObject) => void asked.push(`apply ${kind} ${metadata.name}`),
    create: async ({ namespace }: { namespace: string }, pod: KubeObject, options: { dryRun: boolean }) => {
      asked.push(`create in ${namespace}${options.dryRun ? ', dry run' : ''}`);
      tries++;
      if (tries === 1) throw new Error('serviceaccount "default" not found');
      const annotations: Record<string, string> = tries < knownAt ? {} : { 'linkerd.io/proxy-version': 'edge' };
      return { ...pod, metadata: { ...pod.metadata, annotations } };
    },
    list: async () => ({ items: [], metadata: {} }),
  } as unknown as KubeClient;
  await setUpLab({
    lab: { definition: { cluster: { mesh } }, start: [{ name: 'shop.yaml', content: START }] } as unknown as LoadedLab,
    client,
    others: new Map(),
    runScript: async () => ({ code: 0, output: '' }),
    onStep: () => {},
    now: () => 0,
    signal: new AbortController().signal,
  });
  return asked;
}

describe('the setup of a lab', () => {
  it('makes nothing in an injected namespace before the injector knows it', async () => {
    const dryRun = 'create in shop, dry run';
    expect(await setUp('linkerd', 3)).toEqual([
      'apply Namespace shop',
      dryRun,
      dryRun,
      dryRun,
      'apply Namespace outside',
      'apply Service web',
    ]);
  });

  it('does not ask an injector that is not there', async () => {
    expect(await setUp('none', 1)).toEqual(['apply Namespace shop', 'apply Namespace outside', 'apply Service web']);
  });
});
