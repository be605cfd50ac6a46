import { createHash, randomInt, X509Certificate } from 'node:crypto';
import { untilHolds } from '#cluster/linkerd/ready.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Engine } from './engine.ts';
import { CNI_PATH, cniConfig, joinConfig } from './kubeadm.ts';

/** A node of a cluster with several: its container, its name in Kubernetes, and its address on the session's network. */
export interface Member {
  id: string;
  name: string;
  address: string;
}

const JOINED_WITHIN_MS = 240_000;
const NODES = { group: '', version: 'v1', resource: 'nodes' } as const;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** What workers join with: made for one cluster, and deleted as soon as they have. */
export const joinToken = (): string => `${letters(6)}.${letters(16)}`;
const letters = (count: number): string =>
  Array.from({ length: count }, () => LETTERS[randomInt(LETTERS.length)]).join('');

/** The CA as kubeadm takes it for its discovery: SHA-256 of the public key. */
export const caHash = (pem: string): string =>
  `sha256:${createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')}`;

/** Lets one worker join. */
export async function join(
  engine: Engine,
  worker: Member,
  o: { cluster: string; server: string; token: string; ca: string; signal: AbortSignal },
): Promise<void> {
  const { signal } = o;
  const config = joinConfig({
    cluster: o.cluster,
    node: worker.name,
    ip: worker.address,
    server: o.server,
    token: o.token,
    caHash: caHash(o.ca),
  });
  await engine.write(worker.id, '/kind/kubeadm-join.conf', config, signal);
  await engine.run(worker.id, ['kubeadm', 'join', '--config=/kind/kubeadm-join.conf'], {
    signal,
    timeoutMs: JOINED_WITHIN_MS,
  });
  await engine.run(worker.id, ['rm', '/kind/kubeadm-join.conf'], { signal });
}

/** From here on nobody joins: the token is gone from the cluster, and from where it was written. */
export async function forgetToken(engine: Engine, server: string, token: string, signal: AbortSignal): Promise<void> {
  await engine.run(server, ['kubeadm', 'token', 'delete', token.split('.')[0]!], { signal });
  await engine.run(server, ['sed', '-i', `s/${token}/deleted/`, '/kind/kubeadm.conf'], { signal });
}

/** Gives every node its own pods' addresses, as the cluster has dealt them out, and the ways to those of the others. */
export async function connectPods(
  engine: Engine,
  admin: KubeClient,
  members: Member[],
  signal: AbortSignal,
): Promise<void> {
  const subnets = new Map<string, string>();
  const dealt = (nodes: KubeObject[]) => {
    for (const { metadata, spec } of nodes)
      if (spec?.['podCIDR']) subnets.set(metadata.name ?? '', String(spec['podCIDR']));
    return members.every(({ name }) => subnets.has(name));
  };
  await untilHolds(admin, NODES, dealt, signal);
  await Promise.all(
    members.map(async (member) => {
      await engine.write(member.id, CNI_PATH, cniConfig(subnets.get(member.name)!, false), signal);
      const others = members.filter((other) => other !== member);
      await routes(engine, member, others, subnets, signal);
    }),
  );
}

/** Routes are forgotten when a container is started again; to set them twice does no harm. */
async function routes(
  engine: Engine,
  member: Member,
  others: Member[],
  subnets: Map<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const script = others.map((other) => `ip route replace ${subnets.get(other.name)} via ${other.address}`).join(' && ');
  await engine.run(member.id, ['sh', '-c', script], { signal });
}
