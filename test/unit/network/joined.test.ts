import { afterEach, describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { Fabric, type Reach } from '#kube/network/fabric.ts';
import type { Connection, NetNs } from '#kube/network/network.ts';

interface Side {
  fabric: Fabric;
  pod: NetNs;
}

const service = (type: string, clusterIP: string, more: object = {}, ingress: { ip: string }[] = []): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { type, clusterIP, ports: [{ port: 80, targetPort: 8080, nodePort: 30_080 }], ...more },
  status: { loadBalancer: { ingress } },
});

const slice = (...addresses: string[]): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  endpoints: [{ addresses, conditions: { ready: true } }],
  ports: [{ name: '', port: 8080 }],
});

describe.each<Reach>(['gateway', 'flat'])('two networks joined by %s', (reach) => {
  const clock = new MovableClock();
  const side = (n: number): Side => {
    const fabric = new Fabric({ clock, nodeIp: `172.18.0.${2 + n}` });
    return { fabric, pod: fabric.createNamespace({ ip: `10.${244 + n}.0.7`, name: 'pod' }) };
  };
  const east = side(0);
  const west = side(1);
  east.fabric.join(west.fabric, reach);
  const opened: { close(): void }[] = [];
  afterEach(() => {
    for (const each of opened.splice(0)) each.close();
    west.fabric.services.removeService('shop', 'web');
    west.fabric.services.removeSlice('shop', 'web-1');
    east.fabric.services.removeService('shop', 'web');
    east.fabric.services.removeSlice('shop', 'web-1');
  });

  /** Listens, and resolves with whom the first connection comes from. */
  const heard = (net: NetNs, port: number) =>
    new Promise<string>((resolve) => {
      opened.push(net.listen(port, ({ remoteAddress }: Connection) => resolve(remoteAddress)));
    });
  const dial = (ip: string, port: number) => east.pod.dial(ip, port, { timeoutMs: 20 });
  const expose = (more: object = {}) => {
    west.fabric.services.putService(service('LoadBalancer', '10.97.0.50', more, [{ ip: '172.18.201.1' }]));
    west.fabric.services.putSlice(slice(west.pod.ip));
  };

  it('reaches the other node’s own ports', async () => {
    const from = heard(west.fabric.node, 6443);
    await dial('172.18.0.3', 6443);
    expect(await from).toBe(reach === 'flat' ? east.pod.ip : east.fabric.node.ip);
    await expect(dial('172.18.0.3', 6444)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('reaches what a load balancer and a node port stand for, as the other node', async () => {
    expose();
    for (const [ip, port] of [
      ['172.18.201.1', 80],
      ['172.18.0.3', 30_080],
    ] as const) {
      const from = heard(west.pod, 8080);
      await dial(ip, port);
      expect(await from, ip).toBe(west.fabric.node.ip);
      for (const each of opened.splice(0)) each.close();
    }
  });

  it('keeps the client’s address where the traffic policy says so, as far as it left the cluster with it', async () => {
    expose({ externalTrafficPolicy: 'Local' });
    const from = heard(west.pod, 8080);
    await dial('172.18.201.1', 80);
    expect(await from).toBe(reach === 'flat' ? east.pod.ip : east.fabric.node.ip);
  });

  it('is refused where nobody is behind the address, and waits where the address has no such port', async () => {
    expose();
    west.fabric.services.removeSlice('shop', 'web-1');
    await expect(dial('172.18.201.1', 80)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(dial('172.18.201.1', 81)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await expect(dial('172.18.201.2', 80)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  it(`${reach === 'flat' ? 'reaches' : 'does not reach'} pods`, async () => {
    const from = heard(west.pod, 8080);
    const dialled = dial(west.pod.ip, 8080);
    if (reach === 'gateway') return expect(dialled).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await dialled;
    expect(await from).toBe(east.pod.ip);
  });

  it('never reaches Service addresses', async () => {
    expose();
    opened.push(west.pod.listen(8080, () => {}));
    await expect(dial('10.97.0.50', 80)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  it('follows an endpoint that lies on the other side', async () => {
    expose();
    const mirror = service('ClusterIP', '10.96.0.50');
    east.fabric.services.putService(mirror);
    east.fabric.services.putSlice({ ...slice('172.18.201.1'), ports: [{ name: '', port: 80 }] });
    const from = heard(west.pod, 8080);
    await dial('10.96.0.50', 80);
    expect(await from).toBe(west.fabric.node.ip);
  });

  it('does not send round what two load balancers hand to each other', async () => {
    expose();
    west.fabric.services.putSlice({ ...slice('172.18.200.1'), ports: [{ name: '', port: 80 }] });
    east.fabric.services.putService(service('LoadBalancer', '10.96.0.50', {}, [{ ip: '172.18.200.1' }]));
    east.fabric.services.putSlice({ ...slice('172.18.201.1'), ports: [{ name: '', port: 80 }] });
    await expect(dial('172.18.201.1', 80)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });
});

describe('a network that is joined to none', () => {
  it('has node ports, and load balancers’ addresses inside', async () => {
    const fabric = new Fabric({ clock: new MovableClock(), nodeIp: '172.18.0.2' });
    const [client, server] = ['10.244.0.7', '10.244.0.8'].map((ip) => fabric.createNamespace({ ip, name: ip }));
    fabric.services.putService(service('LoadBalancer', '10.96.0.50', {}, [{ ip: '172.18.200.1' }]));
    fabric.services.putSlice(slice('10.244.0.8'));
    const heard: string[] = [];
    server!.listen(8080, ({ remoteAddress }) => heard.push(remoteAddress));
    await client!.dial('172.18.0.2', 30_080);
    await client!.dial('172.18.200.1', 80);
    await client!.dial('10.96.0.50', 80);
    await expect.poll(() => heard).toEqual(['172.18.0.2', '172.18.0.2', '10.244.0.7']);
  });
});
