import type { KubeObject } from '#kube/api/types.ts';
import { unifiedDiff } from '#kube/api/unified-diff.ts';
import { patchFor, withoutLastApplied } from './apply.ts';
import { writeOptions } from './changed.ts';
import { CliError, isStatus, usageError } from './errors.ts';
import { loadManifests, type Manifest } from './manifests.ts';
import { isBuiltInGroup } from './merge-keys.ts';
import { withoutManagedFields } from './output.ts';
import { hasFiles, targetOf } from './targets.ts';
import type { Invocation } from './verb.ts';
import { toYaml } from './yaml.ts';

const MASK = '***';

/** What `apply` would change, as `diff -u -N` shows it. Exit code 1 when there is a difference. */
export async function diff(k: Invocation): Promise<number> {
  if (k.args.length > 0) throw usageError(['diff'], `Unexpected args: [${k.args.join(' ')}]`);
  if (!hasFiles(k)) throw new CliError('must specify one of -f and -k', { exitCode: 2 });
  const folders = [`/tmp/LIVE-${suffix(k, 1)}`, `/tmp/MERGED-${suffix(k, 2)}`];
  const files: { name: string; live: string; merged: string }[] = [];
  for (const manifest of await loadManifests(k)) {
    const { live, merged } = mask(await bothStates(k, manifest));
    files.push({ name: fileNameOf(manifest), live: textOf(k, live), merged: textOf(k, merged) });
  }
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  let code = 0;
  for (const { name, live, merged } of files) {
    const hunks = unifiedDiff(live, merged);
    if (hunks === '') continue;
    code = 1;
    const [left, right] = folders.map((folder) => `${folder}/${name}`) as [string, string];
    const now = stamp(k.clock.now());
    await k.out(`diff -u -N ${left} ${right}\n--- ${left}\t${now}\n+++ ${right}\t${now}\n${hunks}`);
  }
  return code;
}

const suffix = (k: Invocation, salt: number): number => Math.floor(k.clock.now() % 1e9) * 10 + salt;
const stamp = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '000000 +0000');

function fileNameOf({ object, resource, namespace }: Manifest): string {
  const { group, version, kind } = resource;
  return [...(group ? [group] : []), version, kind, namespace ?? '', object.metadata.name].join('.');
}

const textOf = (k: Invocation, object: KubeObject | undefined): string =>
  object ? toYaml(k.flags.bool('show-managed-fields') ? object : withoutManagedFields(object)) : '';

interface States {
  live: KubeObject | undefined;
  merged: KubeObject;
}

/** The object as it is and as the server says it would be after an apply. */
async function bothStates(k: Invocation, manifest: Manifest): Promise<States> {
  const { object, resource, namespace } = manifest;
  const target = targetOf(resource, namespace);
  const name = object.metadata.name ?? '';
  const kinds = { apiVersion: object.apiVersion, kind: object.kind };
  const options = { ...writeOptions(k, 'kubectl-client-side-apply'), dryRun: true };
  const live = await k.client.get(target, name).catch((error: unknown) => {
    if (isStatus(error, 'NotFound')) return undefined;
    throw error;
  });
  if (k.flags.bool('server-side')) {
    const force = k.flags.bool('force-conflicts');
    const merged = await k.client.patch(target, name, 'apply', object, { ...options, force });
    return { live: live && { ...live, ...kinds }, merged: { ...merged, ...kinds } };
  }
  if (!live) return { live, merged: { ...(await k.client.create(target, object, options)), ...kinds } };
  const last = live.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'];
  const body = patchFor(resource.group, last, withoutLastApplied(object), live);
  const type = isBuiltInGroup(resource.group) ? 'strategic' : 'merge';
  const merged = Object.keys(body).length === 0 ? live : await k.client.patch(target, name, type, body, options);
  return { live: { ...live, ...kinds }, merged: { ...merged, ...kinds } };
}

/** Values of Secrets are not shown: only that they differ. */
function mask({ live, merged }: States): States {
  if (merged.kind !== 'Secret') return { live, merged };
  const [before, after] = [live?.['data'] ?? {}, merged['data'] ?? {}];
  const cover = (own: Record<string, string>, other: Record<string, string>, word: string) =>
    Object.fromEntries(
      Object.keys(own).map((key) => [key, key in other && other[key] !== own[key] ? `${MASK} (${word})` : MASK]),
    );
  const put = (object: KubeObject, data: Record<string, string>) => {
    const { [LAST]: _, ...annotations } = object.metadata.annotations ?? {};
    const { annotations: __, ...metadata } = object.metadata;
    const kept = Object.keys(annotations).length > 0 ? { annotations } : {};
    return { ...object, metadata: { ...metadata, ...kept }, ...(Object.keys(data).length > 0 ? { data } : {}) };
  };
  return {
    live: live && put(live, cover(before, after, 'before')),
    merged: put(merged, cover(after, before, 'after')),
  };
}

const LAST = 'kubectl.kubernetes.io/last-applied-configuration';
