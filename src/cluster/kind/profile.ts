import type Docker from 'dockerode';

/** How a node is allowed to be a node. Found by trying: a host that refuses privilege gets the restricted profile. */
export type Profile = 'privileged' | 'restricted';

type HostConfig = NonNullable<Docker.ContainerCreateOptions['HostConfig']> & { CgroupnsMode?: string };

/** Every capability that Docker 20.10 knows but SYS_RESOURCE, which some hosts can't give. Newer names would be refused. */
const CAPABILITIES = [
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE',
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN',
  'SYS_BOOT SYS_NICE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN',
  'SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ',
].flatMap((line) => line.split(' '));

export interface NodeLimits {
  memoryBytes: number;
  cpus: number;
  pids: number;
}

/**
 * HostConfig of a node container. Source of the fields: what `kind create cluster` sends (pkg/cluster/internal/
 * providers/docker/provision.go), without its shared network, published port and host module folder.
 */
export function hostConfig(profile: Profile, network: string, limits: NodeLimits): HostConfig {
  return {
    ...(profile === 'privileged'
      ? { Privileged: true }
      : {
          Privileged: false,
          CapAdd: CAPABILITIES,
          MaskedPaths: [],
          ReadonlyPaths: [],
          DeviceCgroupRules: ['a *:* rwm'],
        }),
    SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
    Init: false,
    CgroupnsMode: 'private',
    Tmpfs: { '/tmp': 'size=512m', '/run': 'exec,size=512m' },
    NetworkMode: network,
    // Loopback answers the node image's look-up at once, where it would wait five seconds on a network without DNS.
    ExtraHosts: ['host.docker.internal:127.0.0.1'],
    RestartPolicy: { Name: 'no' },
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    NanoCpus: Math.round(limits.cpus * 1e9),
    PidsLimit: limits.pids,
    LogConfig: { Type: 'json-file', Config: { 'max-size': '4m', 'max-file': '1' } },
  };
}
