import { defaultValues } from '#mesh/install/default-values.ts';

type Tree = Record<string, unknown>;

/** What Go calls the structures of values, by the last key of their path; what has no name here is a map of anything. */
const STRUCTURES: Record<string, string> = {
  controller: 'Controller',
  podDisruptionBudget: 'PodDisruptionBudget',
  debugContainer: 'DebugContainer',
  destinationController: 'DestinationController',
  egress: 'Egress',
  identity: 'Identity',
  issuer: 'Issuer',
  image: 'Image',
  networkValidator: 'NetworkValidator',
  podMonitor: 'PodMonitor',
  policyController: 'PolicyController',
  policyValidator: 'Webhook',
  profileValidator: 'Webhook',
  proxy: 'Proxy',
  proxyInit: 'ProxyInit',
  proxyInjector: 'ProxyInjector',
  ports: 'Ports',
  resources: 'Resources',
  cpu: 'Constraints',
  memory: 'Constraints',
  'ephemeral-storage': 'Constraints',
  control: 'ProxyControl',
  streams: 'ProxyControlStreams',
  metrics: 'ProxyMetrics',
  tracing: 'Tracing',
  collector: 'TracingCollector',
  runtime: 'ProxyRuntime',
  workers: 'ProxyRuntimeWorkers',
  livenessProbe: 'Probe',
  readinessProbe: 'Probe',
  startupProbe: 'StartupProbe',
  xtMountPath: 'VolumeMountPath',
};
const OF_WORDS = ['nodeSelector', 'podAnnotations', 'podLabels'];
const LISTS: Record<string, string> = {
  tolerations: '[]interface {}',
  imagePullSecrets: '[]map[string]string',
  probeNetworks: '[]string',
};
const COUNTS = ['controllerReplicas', 'revisionHistoryLimit', 'initialDelaySeconds', 'timeoutSeconds'];

/** What the CLI says of a value that is not of its field's type; undefined when all are. Keys are read in order, as Go does. */
export function typeProblem(values: Tree): string | undefined {
  // Where the cores are not given there is no default to see their type by.
  const { proxy, ...others } = defaultValues();
  const defaults = { ...others, proxy: { ...proxy, cores: 0 } };
  return problemIn(values, defaults, [], 'Values');
}

function problemIn(values: Tree, defaults: Tree, path: string[], owner: string): string | undefined {
  for (const key of Object.keys(values).sort()) {
    const value = values[key];
    const at = [...path, key];
    const type = wantedType(key, defaults[key], value, path);
    if (type)
      return `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonKind(value)} into Go struct field ${owner}.${at.join('.')} of type ${type}`;
    const inner = defaults[key];
    const name = STRUCTURES[key];
    if (name && isTree(inner) && isTree(value)) {
      const problem = problemIn(value, inner, at, name);
      if (problem) return problem;
    }
  }
  return undefined;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

const jsonKind = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;

/** The type that a field has and its value has not. Numbers and switches are taken for words where words are wanted. */
function wantedType(key: string, byDefault: unknown, value: unknown, path: string[]): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (LISTS[key]) return Array.isArray(value) ? undefined : LISTS[key];
  if (isTree(byDefault)) {
    if (isTree(value)) return undefined;
    if (OF_WORDS.includes(key)) return 'map[string]string';
    return STRUCTURES[key] ? `linkerd2.${STRUCTURES[key]}` : 'map[string]interface {}';
  }
  if (typeof byDefault === 'boolean') return typeof value === 'boolean' ? undefined : 'bool';
  if (typeof byDefault === 'string') return typeof value === 'object' ? 'string' : undefined;
  if (typeof byDefault !== 'number' || Number.isInteger(value)) return undefined;
  if (COUNTS.includes(key)) return 'uint';
  return path.at(-1) === 'ports' ? 'int32' : key === 'waitBeforeExitSeconds' ? 'uint64' : 'int64';
}
