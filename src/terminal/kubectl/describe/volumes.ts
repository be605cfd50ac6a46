import type { Writer } from './write.ts';

// biome-ignore lint/suspicious/noExplicitAny: volume sources are read field by field.
type Fields = any;

export function volumeLines(w: Writer, volumes: Fields[], level: number): void {
  if (volumes.length === 0) {
    w.line(level, 'Volumes:\t<none>');
    return;
  }
  w.line(level, 'Volumes:');
  for (const volume of volumes) {
    w.line(1, `${level > 0 ? ' ' : ''}${volume.name}:`);
    for (const [title, text] of sourceOf(volume)) w.line(2, `${title}:\t${text}`);
  }
}

function sourceOf(volume: Fields): [string, string][] {
  const { hostPath, emptyDir, secret, configMap, projected, persistentVolumeClaim, downwardAPI, csi } = volume;
  if (hostPath) {
    return [
      ['Type', 'HostPath (bare host directory volume)'],
      ['Path', hostPath.path],
      ['HostPathType', hostPath.type ?? '<none>'],
    ];
  }
  if (emptyDir) {
    return [
      ['Type', "EmptyDir (a temporary directory that shares a pod's lifetime)"],
      ['Medium', emptyDir.medium ?? ''],
      ['SizeLimit', emptyDir.sizeLimit ?? '<unset>'],
    ];
  }
  if (secret) {
    return [
      ['Type', 'Secret (a volume populated by a Secret)'],
      ['SecretName', secret.secretName],
      ['Optional', String(secret.optional === true)],
    ];
  }
  if (configMap) {
    return [
      ['Type', 'ConfigMap (a volume populated by a ConfigMap)'],
      ['Name', configMap.name],
      ['Optional', String(configMap.optional === true)],
    ];
  }
  if (persistentVolumeClaim) {
    return [
      ['Type', 'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)'],
      ['ClaimName', persistentVolumeClaim.claimName],
      ['ReadOnly', String(persistentVolumeClaim.readOnly === true)],
    ];
  }
  if (downwardAPI)
    return [
      ['Type', 'DownwardAPI (a volume populated by information about the pod)'],
      ['Items', itemsText(downwardAPI.items)],
    ];
  if (projected) return projectedLines(projected.sources ?? []);
  if (csi)
    return [
      ['Type', 'CSI (a Container Storage Interface (CSI) volume source)'],
      ['Driver', csi.driver],
    ];
  return [['<unknown>', '']];
}

const itemsText = (items: Fields[] = []): string =>
  items.map((item) => `\n      ${item.fieldRef?.fieldPath} -> ${item.path}`).join('');

function projectedLines(sources: Fields[]): [string, string][] {
  const out: [string, string][] = [['Type', 'Projected (a volume that contains injected data from multiple sources)']];
  for (const source of sources) {
    if (source.secret) {
      out.push(['SecretName', source.secret.name], ['Optional', String(source.secret.optional === true)]);
    } else if (source.downwardAPI) out.push(['DownwardAPI', 'true']);
    else if (source.configMap) {
      out.push(['ConfigMapName', source.configMap.name], ['Optional', String(source.configMap.optional === true)]);
    } else if (source.serviceAccountToken) {
      out.push(['TokenExpirationSeconds', String(source.serviceAccountToken.expirationSeconds ?? 3600)]);
    }
  }
  return out;
}
