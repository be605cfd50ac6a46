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
  workerAddresses: string[];
  /**
   * Addresses of pods. With several nodes they are the upper half of the network itself: the Engine drops what is neither
   * from nor for the network's own addresses, and pods of two nodes speak to each other without an envelope.
   */
  podSubnet: string;
}

/** Small networks out of these ranges: the Engine's own pools end after some thirty networks. `bits` is a network's prefix. */
const ONE_NODE = { from: '10.213.0.0', fromBits: 16, bits: 28 };
const SEVERAL_NODES = { from: '10.216.0.0', fromBits: 13, bits: 20 };
const POD_SUBNET = '10.244.0.0/16';
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
  workers = 0,
): Promise<SessionNetwork> {
  const range = workers > 0 ? SEVERAL_NODES : ONE_NODE;
  const size = 2 ** (32 - range.bits);
  for (let attempt = 1; ; attempt++) {
    const block = toNumber(range.from) + randomInt(0, 2 ** (range.bits - range.fromBits)) * size;
    const address = (offset: number) => toAddress(block + offset);
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
            IPAM: { Driver: 'default', Config: [{ Subnet: `${address(0)}/${range.bits}`, Gateway: address(1) }] },
            Options: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' },
            abortSignal,
          }),
        { signal },
      );
      return {
        id: network.id,
        name,
        gateway: address(1),
        nodeAddress: address(2),
        toolboxAddress: address(3),
        workerAddresses: Array.from({ length: workers }, (_, i) => address(4 + i)),
        podSubnet: workers > 0 ? `${address(size / 2)}/${range.bits + 1}` : POD_SUBNET,
      };
    } catch (error) {
      const overlaps = isStatus(error, 403) || (error instanceof AcademyError && /overlap/i.test(error.message));
      if (!overlaps) throw error;
      if (attempt === TRIES)
        throw new AcademyError(
          'driver/network-pool',
          `No free network was found in ${range.from}/${range.fromBits}: everything that was tried is taken.`,
          { cause: error },
        );
    }
  }
}

const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toAddress = (n: number): string => [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join('.');
