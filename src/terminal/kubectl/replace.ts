import type { KubeObject } from '#kube/api/types.ts';
import { withLastApplied } from './apply.ts';
import { checkOutput, dryRunOf, printChanged, writeOptions } from './changed.ts';
import { CliError, isStatus, usageError, whileDoing } from './errors.ts';
import { loadManifests, type Manifest } from './manifests.ts';
import { forEachItem, hasFiles, targetOf } from './targets.ts';
import type { Invocation } from './verb.ts';
import { isGone, watchUntil } from './watching.ts';

const WAIT_MS = 5 * 60 * 1000;

/** `replace -f`: the object as it is in the file, whole. With --force the old one is deleted first. */
export async function replace(k: Invocation): Promise<void> {
  if (k.args.length > 0) throw usageError(['replace'], `Unexpected args: [${k.args.join(' ')}]`);
  if (!hasFiles(k)) throw new CliError('must specify one of -f and -k');
  checkOutput(k);
  const manifests = await loadManifests(k);
  if (manifests.length === 0) throw new CliError('no objects passed to replace');
  const force = k.flags.bool('force');
  if (force) for (const manifest of manifests) await removeOld(k, manifest);
  await forEachItem(manifests, [], async (manifest) => {
    const { object, resource, namespace, source } = manifest;
    const target = targetOf(resource, namespace);
    const subresource = k.flags.get('subresource');
    const options = { ...writeOptions(k, 'kubectl-replace'), ...(subresource ? { subresource } : {}) };
    if (dryRunOf(k) === 'client') return printChanged(k, object, 'replaced');
    try {
      const body = await prepared(k, manifest);
      const result = force
        ? await k.client.create(target, body, options)
        : await k.client.update(target, body, options);
      await printChanged(k, result, 'replaced');
    } catch (error) {
      throw whileDoing(force ? 'creating' : 'replacing', source, error);
    }
  });
}

/** The object as it is sent: with the live one's version unless it names one, remembering itself where that is wanted. */
async function prepared(k: Invocation, { object, resource, namespace }: Manifest): Promise<KubeObject> {
  const live = await k.client.get(targetOf(resource, namespace), object.metadata.name ?? '').catch(() => undefined);
  const remembers = object.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'] !== undefined;
  const body = k.flags.bool('save-config') || remembers ? withLastApplied(object) : object;
  const version = live?.metadata.resourceVersion;
  if (k.flags.bool('force') || body.metadata.resourceVersion || !version) return body;
  return { ...body, metadata: { ...body.metadata, resourceVersion: version } };
}

async function removeOld(k: Invocation, { object, resource, namespace }: Manifest): Promise<void> {
  const target = targetOf(resource, namespace);
  const name = object.metadata.name ?? '';
  const grace = k.flags.int('grace-period');
  try {
    const live = await k.client.get(target, name);
    await k.client.delete(target, name, {
      propagationPolicy: 'Background',
      ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}),
    });
    const type = resource.group ? `${resource.kind.toLowerCase()}.${resource.group}` : resource.kind.toLowerCase();
    const where = namespace === undefined ? '' : ` from ${namespace} namespace`;
    await k.out(`${type} ${JSON.stringify(name)} deleted${where}\n`);
    const watched = { target, name, uid: live.metadata.uid };
    await watchUntil(k, watched, k.flags.duration('timeout') || WAIT_MS, isGone(watched));
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error;
  }
}
