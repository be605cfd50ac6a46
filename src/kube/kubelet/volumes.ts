import type { Clock, Timer } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { ConfigError } from './environment.ts';
import { type MountedVolume, ScratchVolume } from './files.ts';
import { fieldValue, resourceValue } from './references.ts';

export interface VolumeSource {
  /** The pod as it is now. */
  pod(): KubeObject;
  podIp: string;
  hostIp: string;
  client: KubeClient;
  clock: Clock;
  sync: SyncPace;
  /** The node's folder at a path: made when first asked for, and kept as long as the node. */
  kept(path: string): MountedVolume;
  /** Whether that folder was made before. */
  knows(path: string): boolean;
  configMap(name: string): Promise<KubeObject | undefined>;
  secret(name: string): Promise<KubeObject | undefined>;
}

/** When a change of a ConfigMap or Secret reaches the files: after a while, and not while the node is busy with pods. */
export interface SyncPace {
  delayMs: number;
  busyForMs(): number;
}

/** However busy the node is, a change has arrived by then. */
const LATEST_SYNC_MS = 20_000;

type Entries = Map<string, Uint8Array>;
type Spec = KubeObject['spec'];
const CORE = { group: '', version: 'v1' } as const;

/** A token is renewed when this much of its life has passed (pkg/kubelet/token). */
const RENEW_TOKEN_AT = 0.8;

/** A volume whose files are computed from objects of the API, and computed again when told. */
export class ComputedVolume implements MountedVolume {
  readonly #compute: () => Promise<Entries>;
  readonly #listeners = new Set<() => void>();
  readonly #clock: Clock;
  readonly #sync: SyncPace;
  #entries: Entries = new Map();
  #pending: Timer | undefined;
  onClose: () => void = () => {};
  /** Whether a token in it should have been renewed by now. */
  isDue: () => boolean = () => false;
  /** Names of what it is made from: `configMap/x`, `secret/y`. */
  readonly sources: ReadonlySet<string>;

  /** Whether it shows fields of the pod, which may change. */
  readonly isDownward: boolean;

  constructor(
    compute: () => Promise<Entries>,
    sources: Iterable<string>,
    isDownward: boolean,
    clock: Clock,
    sync: SyncPace,
  ) {
    this.#compute = compute;
    this.sources = new Set(sources);
    this.isDownward = isDownward;
    this.#clock = clock;
    this.#sync = sync;
  }

  async fill(): Promise<void> {
    this.#entries = await this.#compute();
  }

  /** Something that it is made from changed: the files follow at the kubelet's next sync. */
  changed(): void {
    if (this.#pending) return;
    const latest = this.#clock.now() + LATEST_SYNC_MS;
    const sync = () => {
      const wait = Math.min(this.#sync.busyForMs(), latest - this.#clock.now());
      this.#pending = wait > 0 ? this.#clock.setTimeout(sync, wait) : undefined;
      if (!this.#pending) void this.refresh();
    };
    this.#pending = this.#clock.setTimeout(sync, this.#sync.delayMs);
  }

  async refresh(): Promise<void> {
    // What can't be read now keeps its old content, as on a real node.
    const next = await this.#compute().catch(() => undefined);
    if (!next || equal(next, this.#entries)) return;
    this.#entries = next;
    for (const listener of [...this.#listeners]) listener();
  }

  renew(): Promise<void> | undefined {
    return this.isDue() ? this.refresh() : undefined;
  }

  entries(): ReadonlyMap<string, Uint8Array> {
    return this.#entries;
  }
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  close(): void {
    this.onClose();
    this.#pending?.cancel();
    this.#listeners.clear();
  }
}

/** Makes a pod's volume. Throws ConfigError when something required is not there; refuses kinds that are not modelled. */
export async function makeVolume(volume: Spec, source: VolumeSource): Promise<MountedVolume> {
  if (volume.emptyDir) return new ScratchVolume();
  if (volume.hostPath) return hostFolder(volume.hostPath, source);
  if (volume.persistentVolumeClaim) return claimed(volume.persistentVolumeClaim.claimName, source);
  const projections: Spec[] = volume.projected?.sources ?? [volume];
  const sources = projections.flatMap((projection) => [
    ...(projection.configMap ? [`configMap/${projection.configMap.name}`] : []),
    ...(projection.secret ? [`secret/${projection.secret.secretName ?? projection.secret.name}`] : []),
  ]);
  const known = projections.every(
    (projection) =>
      projection.configMap || projection.secret || projection.downwardAPI || projection.serviceAccountToken,
  );
  if (!known)
    throw new ConfigError(
      `the volume ${JSON.stringify(volume.name)} is of a kind that this cluster does not have: ${Object.keys(volume)
        .filter((key) => key !== 'name')
        .join(', ')}`,
    );
  const token = new TokenCache(source);
  const made = new ComputedVolume(
    async () => {
      const entries: Entries = new Map();
      for (const projection of projections)
        for (const [path, data] of await project(projection, source, token)) entries.set(path, data);
      return entries;
    },
    sources,
    projections.some((projection) => projection.downwardAPI),
    source.clock,
    source.sync,
  );
  token.onDue = () => void made.refresh();
  made.isDue = () => token.isDue;
  made.onClose = () => token.close();
  await made.fill();
  return made;
}

/** Folders that every node has. */
const NODE_FOLDERS =
  /^\/(|bin|dev|etc|home|lib|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var|var\/(cache|lib|lib\/kubelet|log|log\/pods|run|tmp))\/?$/;
const WRONG_TYPE: Record<string, string> = {
  Directory: 'a directory',
  File: 'a file',
  Socket: 'a socket file',
  CharDevice: 'a character device',
  BlockDevice: 'a block device',
};

/** A folder of the node; one that must be there already has to be known. */
function hostFolder({ path, type }: { path: string; type?: string }, source: VolumeSource): MountedVolume {
  const wanted = WRONG_TYPE[type ?? ''];
  const isThere = type === 'Directory' && (NODE_FOLDERS.test(path) || source.knows(path));
  if (wanted && !isThere) throw new ConfigError(`hostPath type check failed: ${path} is not ${wanted}`);
  return source.kept(path);
}

/** What a bound claim's volume holds: a folder of the node, which outlives the pod. */
async function claimed(name: string, source: VolumeSource): Promise<MountedVolume> {
  const { client } = source;
  const { namespace } = source.pod().metadata;
  const claim = await client.get({ ...CORE, resource: 'persistentvolumeclaims', namespace: namespace! }, name);
  const volume = await client.get({ ...CORE, resource: 'persistentvolumes' }, claim.spec.volumeName);
  const path: string | undefined = volume.spec.hostPath?.path ?? volume.spec.local?.path;
  if (path) return source.kept(path);
  throw new ConfigError(
    `the volume ${JSON.stringify(volume.metadata.name)} is of a kind that this cluster does not have; hostPath and local are known`,
  );
}

async function project(projection: Spec, source: VolumeSource, token: TokenCache): Promise<Entries> {
  const entries: Entries = new Map();
  if (projection.configMap) {
    const object = await source.configMap(projection.configMap.name);
    if (!object && !projection.configMap.optional)
      throw new ConfigError(`configmap ${JSON.stringify(projection.configMap.name)} not found`);
    const text = Object.entries((object?.data ?? {}) as Record<string, string>).map(
      ([key, value]) => [key, Buffer.from(value)] as const,
    );
    const binary = Object.entries((object?.binaryData ?? {}) as Record<string, string>).map(
      ([key, value]) => [key, Buffer.from(value, 'base64')] as const,
    );
    pick(entries, new Map([...text, ...binary]), projection.configMap, 'configmap');
  } else if (projection.secret) {
    const name = projection.secret.secretName ?? projection.secret.name;
    const object = await source.secret(name);
    if (!object && !projection.secret.optional) throw new ConfigError(`secret ${JSON.stringify(name)} not found`);
    pick(
      entries,
      new Map(
        Object.entries((object?.data ?? {}) as Record<string, string>).map(([key, value]) => [
          key,
          Buffer.from(value, 'base64'),
        ]),
      ),
      projection.secret,
      'secret',
    );
  } else if (projection.downwardAPI) {
    for (const item of projection.downwardAPI.items ?? []) {
      const value = item.fieldRef
        ? fieldValue(source.pod(), item.fieldRef.fieldPath, source.podIp, source.hostIp)
        : resourceValue(
            source
              .pod()
              .spec.containers.find((c: { name: string }) => c.name === item.resourceFieldRef?.containerName) ?? {},
            item.resourceFieldRef?.resource ?? '',
            item.resourceFieldRef?.divisor,
          );
      entries.set(item.path, Buffer.from(value));
    }
  } else if (projection.serviceAccountToken) {
    const { audience, expirationSeconds = 3600, path } = projection.serviceAccountToken;
    entries.set(path, Buffer.from(await token.get(audience, expirationSeconds)));
  }
  return entries;
}

/** All keys, or those that `items` names, under the paths that they name. */
function pick(
  into: Entries,
  data: Map<string, Uint8Array>,
  { items, optional }: { items?: { key: string; path: string }[]; optional?: boolean },
  kind: 'configmap' | 'secret',
): void {
  if (!items) {
    for (const [key, value] of data) into.set(key, value);
    return;
  }
  for (const { key, path } of items) {
    const value = data.get(key);
    if (value) into.set(path, value);
    else if (!optional)
      throw new ConfigError(`${kind} references non-existent ${kind === 'secret' ? 'secret' : 'config'} key: ${key}`);
  }
}

/** Service-account tokens of one volume, renewed before they end. */
class TokenCache {
  readonly #source: VolumeSource;
  readonly #tokens = new Map<string, { token: string; renewAt: number }>();
  readonly #timers = new Map<string, Timer>();
  onDue: () => void = () => {};

  constructor(source: VolumeSource) {
    this.#source = source;
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
  }

  get isDue(): boolean {
    const now = this.#source.clock.now();
    for (const { renewAt } of this.#tokens.values()) if (now >= renewAt) return true;
    return false;
  }

  async get(audience: string | undefined, seconds: number): Promise<string> {
    const { client, clock } = this.#source;
    const pod = this.#source.pod();
    const key = `${audience}/${seconds}`;
    const known = this.#tokens.get(key);
    if (known && clock.now() < known.renewAt) return known.token;
    const { namespace, name, uid } = pod.metadata;
    const answer = (await client.raw(
      'POST',
      `/api/v1/namespaces/${namespace}/serviceaccounts/${pod.spec.serviceAccountName ?? 'default'}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          audiences: audience ? [audience] : [],
          expirationSeconds: seconds,
          boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name, uid },
        },
      },
    )) as KubeObject;
    const life = seconds * 1000 * RENEW_TOKEN_AT;
    this.#tokens.set(key, { token: answer.status.token, renewAt: clock.now() + life });
    this.#timers.get(key)?.cancel();
    // A clock that is being moved goes past it: whoever reads a token meanwhile asks for a fresh one (`renew`).
    const renewal = clock.setTimeout(() => this.onDue(), life, { lazy: true });
    this.#timers.set(key, renewal);
    return answer.status.token;
  }
}

function equal(a: Entries, b: Entries): boolean {
  if (a.size !== b.size) return false;
  for (const [path, data] of a) {
    const other = b.get(path);
    if (!other || Buffer.compare(data, other) !== 0) return false;
  }
  return true;
}
