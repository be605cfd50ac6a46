import type { KubeObject } from '#kube/api/types.ts';
import { expand, fieldValue, resourceValue } from './references.ts';

export interface EnvironmentSource {
  pod: KubeObject;
  podIp: string;
  hostIp: string;
  configMap(name: string): Promise<KubeObject | undefined>;
  secret(name: string): Promise<KubeObject | undefined>;
  services(): KubeObject[];
}

/** A container that can't be made because something that it refers to is missing. */
export class ConfigError extends Error {}

interface Reference {
  name: string;
  key: string;
  optional?: boolean;
}
interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    resourceFieldRef?: { containerName?: string; resource: string; divisor?: string };
    configMapKeyRef?: Reference;
    secretKeyRef?: Reference;
  };
}

const decode = (value: string): string => Buffer.from(value, 'base64').toString('utf8');

/** A container's environment: Services, envFrom, then env, later ones winning. Throws ConfigError with the kubelet's words. */
export async function environmentOf(
  container: KubeObject['spec'],
  source: EnvironmentSource,
): Promise<Record<string, string>> {
  const env: Record<string, string> =
    source.pod.spec.enableServiceLinks === false ? masterService(source.services()) : serviceVariables(source);
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const reference = configMapRef ?? secretRef;
    const object = configMapRef ? await source.configMap(reference.name) : await source.secret(reference.name);
    if (!object) {
      if (reference.optional) continue;
      throw new ConfigError(`${configMapRef ? 'configmap' : 'secret'} ${JSON.stringify(reference.name)} not found`);
    }
    for (const [key, value] of Object.entries((object.data ?? {}) as Record<string, string>))
      env[prefix + key] = configMapRef ? value : decode(value);
  }
  for (const entry of (container.env ?? []) as EnvVar[]) {
    const value = await envValue(entry, container, source, env);
    if (value !== undefined) env[entry.name] = value;
  }
  return env;
}

async function envValue(
  entry: EnvVar,
  container: KubeObject['spec'],
  source: EnvironmentSource,
  env: Record<string, string>,
): Promise<string | undefined> {
  const from = entry.valueFrom;
  if (!from) return expand(entry.value ?? '', env);
  if (from.fieldRef) return fieldValue(source.pod, from.fieldRef.fieldPath, source.podIp, source.hostIp);
  if (from.resourceFieldRef) {
    const all = [...source.pod.spec.containers, ...(source.pod.spec.initContainers ?? [])];
    const named = all.find((one: { name: string }) => one.name === from.resourceFieldRef!.containerName) ?? container;
    return resourceValue(named, from.resourceFieldRef.resource, from.resourceFieldRef.divisor);
  }
  const reference = from.configMapKeyRef ?? from.secretKeyRef;
  if (!reference) return '';
  const object = from.configMapKeyRef ? await source.configMap(reference.name) : await source.secret(reference.name);
  const kind = from.configMapKeyRef ? 'configmap' : 'secret';
  if (!object) {
    if (reference.optional) return undefined;
    throw new ConfigError(`${kind} ${JSON.stringify(reference.name)} not found`);
  }
  const value: string | undefined = object.data?.[reference.key];
  if (value === undefined) {
    if (reference.optional) return undefined;
    throw new ConfigError(
      `couldn't find key ${reference.key} in ${kind === 'configmap' ? 'ConfigMap' : 'Secret'} ${source.pod.metadata.namespace}/${reference.name}`,
    );
  }
  return from.configMapKeyRef ? value : decode(value);
}

function masterService(services: KubeObject[]): Record<string, string> {
  const kubernetes = services.find(
    ({ metadata }) => metadata.namespace === 'default' && metadata.name === 'kubernetes',
  );
  return kubernetes ? variablesOf(kubernetes) : {};
}

function serviceVariables(source: EnvironmentSource): Record<string, string> {
  const env = masterService(source.services());
  for (const service of source.services())
    if (service.metadata.namespace === source.pod.metadata.namespace) Object.assign(env, variablesOf(service));
  return env;
}

function variablesOf({ metadata, spec }: KubeObject): Record<string, string> {
  if (!spec?.clusterIP || spec.clusterIP === 'None') return {};
  const name = metadata.name!.toUpperCase().replaceAll('-', '_');
  const [first] = spec.ports ?? [];
  if (!first) return {};
  const env: Record<string, string> = {
    [`${name}_SERVICE_HOST`]: spec.clusterIP,
    [`${name}_SERVICE_PORT`]: String(first.port),
    [`${name}_PORT`]: `tcp://${spec.clusterIP}:${first.port}`,
  };
  for (const port of spec.ports as { name?: string; port: number; protocol?: string }[]) {
    if (port.name) env[`${name}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`] = String(port.port);
    const protocol = (port.protocol ?? 'TCP').toLowerCase();
    const prefix = `${name}_PORT_${port.port}_${protocol.toUpperCase()}`;
    Object.assign(env, {
      [prefix]: `${protocol}://${spec.clusterIP}:${port.port}`,
      [`${prefix}_PROTO`]: protocol,
      [`${prefix}_PORT`]: String(port.port),
      [`${prefix}_ADDR`]: spec.clusterIP,
    });
  }
  return env;
}
