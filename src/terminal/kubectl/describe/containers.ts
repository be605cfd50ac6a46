import { rfc1123 } from '../instants.ts';
import type { Writer } from './write.ts';

// biome-ignore lint/suspicious/noExplicitAny: containers and their states are read field by field.
type Fields = any;

/** `Containers:` with state, resources, probes, environment and mounts; without statuses as in a pod template. */
export function containerLines(
  w: Writer,
  title: string,
  containers: Fields[],
  statuses: Fields[] | undefined,
  level: number,
  pod?: Fields,
): void {
  if (containers.length === 0) {
    w.line(level, `${title}:\t<none>`);
    return;
  }
  w.line(level, `${title}:`);
  for (const container of containers) {
    const status = statuses?.find((each) => each.name === container.name);
    w.line(1, `${level > 0 ? ' ' : ''}${container.name}:`);
    const at = 2;
    if (status) w.line(at, `Container ID:\t${status.containerID ?? ''}`);
    w.line(at, `Image:\t${container.image}`);
    if (status) w.line(at, `Image ID:\t${status.imageID ?? ''}`);
    ports(w, at, container.ports ?? []);
    if (container.securityContext?.seccompProfile)
      w.line(at, `SeccompProfile:\t${seccomp(container.securityContext.seccompProfile)}`);
    words(w, at, 'Command', container.command);
    words(w, at, 'Args', container.args);
    if (status) states(w, at, status);
    resources(w, at, container.resources ?? {});
    probe(w, at, 'Liveness', container.livenessProbe);
    probe(w, at, 'Readiness', container.readinessProbe);
    probe(w, at, 'Startup', container.startupProbe);
    envFrom(w, at, container.envFrom ?? []);
    environment(w, at, container.env ?? [], pod);
    mounts(w, at, container.volumeMounts ?? []);
  }
}

export const seccomp = (profile: Fields): string =>
  profile.type === 'Localhost' ? `${profile.type}\n  LocalhostProfile:  ${profile.localhostProfile}` : profile.type;

function ports(w: Writer, level: number, list: Fields[]): void {
  const container = list.map(
    (each) => `${each.containerPort}/${each.protocol ?? 'TCP'}${each.name ? ` (${each.name})` : ''}`,
  );
  const host = list.map(
    (each) => `${each.hostPort ?? 0}/${each.protocol ?? 'TCP'}${each.name ? ` (${each.name})` : ''}`,
  );
  const many = list.length > 1 ? 's' : '';
  w.line(level, `Port${many}:\t${container.join(', ') || '<none>'}`);
  w.line(level, `Host Port${many}:\t${host.join(', ') || '<none>'}`);
}

function words(w: Writer, level: number, title: string, list: string[] | undefined): void {
  if (!list || list.length === 0) return;
  w.line(level, `${title}:`);
  for (const word of list) for (const line of word.split('\n')) w.line(level + 1, line);
}

function states(w: Writer, level: number, status: Fields): void {
  state(w, level, 'State', status.state ?? {});
  if (status.lastState?.terminated) state(w, level, 'Last State', status.lastState);
  w.line(level, `Ready:\t${status.ready ? 'True' : 'False'}`);
  w.line(level, `Restart Count:\t${status.restartCount ?? 0}`);
}

function state(w: Writer, level: number, title: string, value: Fields): void {
  if (value.running) {
    w.line(level, `${title}:\tRunning`);
    w.line(level + 1, `Started:\t${rfc1123(value.running.startedAt)}`);
  } else if (value.terminated) {
    const { reason, message, exitCode, signal, startedAt, finishedAt } = value.terminated;
    w.line(level, `${title}:\tTerminated`);
    if (reason) w.line(level + 1, `Reason:\t${reason}`);
    if (message) w.line(level + 1, `Message:\t${message}`);
    w.line(level + 1, `Exit Code:\t${exitCode ?? 0}`);
    if (signal) w.line(level + 1, `Signal:\t${signal}`);
    w.line(level + 1, `Started:\t${rfc1123(startedAt)}`);
    w.line(level + 1, `Finished:\t${rfc1123(finishedAt)}`);
  } else {
    w.line(level, `${title}:\tWaiting`);
    if (value.waiting?.reason) w.line(level + 1, `Reason:\t${value.waiting.reason}`);
  }
}

function resources(w: Writer, level: number, { limits, requests }: Fields): void {
  for (const [title, map] of [
    ['Limits', limits],
    ['Requests', requests],
  ] as const) {
    const names = Object.keys(map ?? {}).sort();
    if (names.length === 0) continue;
    w.line(level, `${title}:`);
    for (const name of names) w.line(level + 1, `${name}:\t${map[name]}`);
  }
}

/** A probe on one line. */
export function probeText(value: Fields): string {
  const attributes = `delay=${value.initialDelaySeconds ?? 0}s timeout=${value.timeoutSeconds ?? 1}s period=${value.periodSeconds ?? 10}s #success=${value.successThreshold ?? 1} #failure=${value.failureThreshold ?? 3}`;
  if (value.exec) return `exec [${(value.exec.command ?? []).join(' ')}] ${attributes}`;
  if (value.httpGet) {
    const { scheme = 'HTTP', host = '', port, path = '' } = value.httpGet;
    const place = `${host}:${port}`;
    return `http-get ${scheme.toLowerCase()}://${place}${path.startsWith('/') || path === '' ? path : `/${path}`} ${attributes}`;
  }
  if (value.tcpSocket) return `tcp-socket ${value.tcpSocket.host ?? ''}:${value.tcpSocket.port} ${attributes}`;
  if (value.grpc) return `grpc <pod>:${value.grpc.port} ${value.grpc.service ?? ''} ${attributes}`;
  return `unknown ${attributes}`;
}

function probe(w: Writer, level: number, title: string, value: Fields): void {
  if (value) w.line(level, `${title}:\t${probeText(value)}`);
}

function envFrom(w: Writer, level: number, list: Fields[]): void {
  if (list.length === 0) return;
  w.line(level, 'Environment Variables from:');
  for (const each of list) {
    const [kind, source] = each.configMapRef ? ['ConfigMap', each.configMapRef] : ['Secret', each.secretRef];
    const prefix = each.prefix ? ` with prefix '${each.prefix}'` : '';
    w.line(level + 1, `${source?.name}\t${kind}${prefix}\tOptional: ${source?.optional === true}`);
  }
}

const POD_FIELDS: Record<string, (pod: Fields) => string> = {
  'metadata.name': (pod) => pod.metadata.name,
  'metadata.namespace': (pod) => pod.metadata.namespace,
};

function environment(w: Writer, level: number, list: Fields[], pod: Fields): void {
  if (list.length === 0) {
    w.line(level, 'Environment:\t<none>');
    return;
  }
  w.line(level, 'Environment:');
  for (const { name, value = '', valueFrom } of list) {
    if (!valueFrom) {
      value.split('\n').forEach((line: string, i: number) => {
        w.line(level + 1, i === 0 ? `${name}:\t${line}` : `\t${line}`);
      });
    } else w.line(level + 1, `${name}:\t${sourceText(valueFrom, pod)}`);
  }
}

function sourceText({ fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef }: Fields, pod: Fields): string {
  if (fieldRef) {
    const read = POD_FIELDS[fieldRef.fieldPath];
    return `${pod && read ? read(pod) : ''} (${fieldRef.apiVersion ?? 'v1'}:${fieldRef.fieldPath})`;
  }
  if (resourceFieldRef) return `node allocatable (${resourceFieldRef.resource})`;
  const [ref, kind] = secretKeyRef ? [secretKeyRef, 'secret'] : [configMapKeyRef ?? {}, 'config map'];
  return `<set to the key '${ref.key}' ${kind === 'secret' ? 'in secret' : 'of config map'} '${ref.name}'>\tOptional: ${ref.optional === true}`;
}

function mounts(w: Writer, level: number, list: Fields[]): void {
  if (list.length === 0) {
    w.line(level, 'Mounts:\t<none>');
    return;
  }
  w.line(level, 'Mounts:');
  for (const mount of [...list].sort((a, b) => (a.mountPath < b.mountPath ? -1 : 1))) {
    const flags = [mount.readOnly ? 'ro' : 'rw', ...(mount.subPath ? [`path=${JSON.stringify(mount.subPath)}`] : [])];
    w.line(level + 1, `${mount.mountPath} from ${mount.name} (${flags.join(',')})`);
  }
}
