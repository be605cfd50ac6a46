import { describe, expect, it } from 'vitest';
import { createPair } from '#kube/network/connection.ts';

describe('a connection that was redirected to the proxy', () => {
  const ends = {
    client: { address: '10.244.0.7', port: 40_000 },
    server: { address: '10.244.0.7', port: 4140 },
    originalDst: { address: '203.0.113.20', port: 443 },
  };

  it('is one to what was dialled, for the client', () => {
    const { client } = createPair(ends);
    expect([client.remoteAddress, client.remotePort]).toEqual(['203.0.113.20', 443]);
    expect([client.localAddress, client.localPort]).toEqual(['10.244.0.7', 40_000]);
  });

  it('is one from the client, for the proxy, which can ask where it was going', () => {
    const { server } = createPair(ends);
    expect([server.remoteAddress, server.remotePort]).toEqual(['10.244.0.7', 40_000]);
    expect([server.localAddress, server.localPort]).toEqual(['10.244.0.7', 4140]);
    expect(server.originalDst).toEqual({ address: '203.0.113.20', port: 443 });
  });
});
