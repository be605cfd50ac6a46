import type { Run } from './verb.ts';

const ALIASES: Record<string, Record<string, string>> = {
  create: {
    cj: 'cronjob',
    cm: 'configmap',
    dep: 'deployment',
    deploy: 'deployment',
    ing: 'ingress',
    ns: 'namespace',
    pc: 'priorityclass',
    pdb: 'poddisruptionbudget',
    resourcequota: 'quota',
    sa: 'serviceaccount',
    svc: 'service',
  },
  config: { use: 'use-context', rename: 'rename-context' },
  set: { sa: 'serviceaccount' },
  top: { no: 'node', nodes: 'node', po: 'pod', pods: 'pod' },
};

/** The full name of a subverb: `cm` after `create` is `configmap`. */
export const aliasOf = (path: string[], word: string): string => ALIASES[path.join(' ')]?.[word] ?? word;

const config = (): Promise<typeof import('./create/config.ts')> => import('./create/config.ts');
const access = (): Promise<typeof import('./create/access.ts')> => import('./create/access.ts');
const network = (): Promise<typeof import('./create/network.ts')> => import('./create/network.ts');
const workloads = (): Promise<typeof import('./create/workloads.ts')> => import('./create/workloads.ts');
const policy = (): Promise<typeof import('./create/policy.ts')> => import('./create/policy.ts');
const rollout = async (): Promise<Run> => (await import('./rollout.ts')).rollout;
const service = async (): Promise<Run> => (await network()).createService;

const VERBS: Record<string, () => Promise<Run>> = {
  annotate: async () => (await import('./metadata.ts')).annotate,
  apply: async () => (await import('./apply.ts')).apply,
  attach: async () => (await import('./exec.ts')).attach,
  create: async () => (await import('./create.ts')).create,
  'create clusterrole': async () => (await access()).createClusterRole,
  'create clusterrolebinding': async () => (await access()).createClusterRoleBinding,
  'create configmap': async () => (await config()).createConfigMap,
  'create cronjob': async () => (await workloads()).createCronJob,
  'create deployment': async () => (await workloads()).createDeployment,
  'create ingress': async () => (await network()).createIngress,
  'create job': async () => (await workloads()).createJob,
  'create namespace': async () => (await config()).createNamespace,
  'create poddisruptionbudget': async () => (await policy()).createPodDisruptionBudget,
  'create priorityclass': async () => (await policy()).createPriorityClass,
  'create quota': async () => (await policy()).createQuota,
  'create role': async () => (await access()).createRole,
  'create rolebinding': async () => (await access()).createRoleBinding,
  'create secret docker-registry': async () => (await config()).createSecretDocker,
  'create secret generic': async () => (await config()).createSecretGeneric,
  'create secret tls': async () => (await config()).createSecretTls,
  'create service clusterip': service,
  'create service externalname': service,
  'create service loadbalancer': service,
  'create service nodeport': service,
  'create serviceaccount': async () => (await config()).createServiceAccount,
  'create token': async () => (await access()).createToken,
  delete: async () => (await import('./delete.ts')).remove,
  describe: async () => (await import('./describe.ts')).describe,
  edit: async () => (await import('./edit.ts')).edit,
  exec: async () => (await import('./exec.ts')).exec,
  get: async () => (await import('./get.ts')).get,
  kustomize: async () => (await import('./kustomize.ts')).kustomize,
  label: async () => (await import('./metadata.ts')).label,
  logs: async () => (await import('./logs.ts')).logs,
  patch: async () => (await import('./patch.ts')).patch,
  'rollout history': rollout,
  'rollout pause': rollout,
  'rollout restart': rollout,
  'rollout resume': rollout,
  'rollout status': rollout,
  'rollout undo': rollout,
  scale: async () => (await import('./scale.ts')).scale,
  wait: async () => (await import('./wait.ts')).wait,
};

/** The module of a verb; undefined when the words only group verbs, such as `rollout`, or name nothing. */
export const loadVerb = (path: string[]): (() => Promise<Run>) | undefined => VERBS[path.join(' ')];
