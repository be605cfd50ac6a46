import { randomInt } from 'node:crypto';
import { AcademyError } from '#base/errors.ts';
import type { Engine } from './engine.ts';
import { isStatus } from './engine.ts';

export interface SessionNetwork {
  id: string;
  name: string;
  gateway: string;
  /** The node's own address, fixed so that it survives a restart of the container. */
  nodeAddress: string;
  toolboxAddress: string;
}

/** Small networks out of this range: the Engine's own pools end after some thirty networks. */
const RANGE = { first: 10, second: 213 };
const SIZE = 16;
const TRIES = 40;

/**
 * One network a cluster, with a subnet of its own and no way out: `Internal` adds the Engine's rules against leaving.
 * A subnet that is taken (by the Engine or by a route of the host) is answered with another one.
 */
export async function createNetwork(
  engine: Engine,
  name: string,
  labels: Record<string, string>,
  signal: AbortSignal,
): Promise<SessionNetwork> {
  for (let attempt = 1; ; attempt++) {
    const block = randomInt(0, (256 * 256) / SIZE) * SIZE;
    const address = (offset: number) =>
      `${RANGE.first}.${RANGE.second}.${(block + offset) >> 8}.${(block + offset) & 255}`;
    try {
      const network = await engine.call(
        `create the network ${name}`,
        (abortSignal) =>
          engine.docker.createNetwork({
            Name: name,
            Driver: 'bridge',
            Internal: true,
            CheckDuplicate: true,
            Labels: labels,
            IPAM: { Driver: 'default', Config: [{ Subnet: `${address(0)}/28`, Gateway: address(1) }] },
            Options: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' },
            abortSignal,
          }),
        { signal },
      );
      return { id: network.id, name, gateway: address(1), nodeAddress: address(2), toolboxAddress: address(3) };
    } catch (error) {
      const overlaps = isStatus(error, 403) || (error instanceof AcademyError && /overlap/i.test(error.message));
      if (!overlaps || attempt === TRIES) throw error;
    }
  }
}
