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

const editConfig = (): Promise<typeof import('./config/edit.ts')> => import('./config/edit.ts');
const showConfig = (): Promise<typeof import('./config/show.ts')> => import('./config/show.ts');
const server = (): Promise<typeof import('./server-info.ts')> => import('./server-info.ts');
const other = (): Promise<typeof import('./other.ts')> => import('./other.ts');
const refuse = async (): Promise<Run> => (await other()).refuse;

const VERBS: Record<string, () => Promise<Run>> = {
  'alpha kuberc': refuse,
  'api-resources': async () => (await server()).apiResources,
  'api-versions': async () => (await server()).apiVersions,
  'auth can-i': async () => (await import('./auth.ts')).canI,
  'auth reconcile': refuse,
  'auth whoami': async () => (await import('./auth.ts')).whoAmI,
  autoscale: async () => (await import('./autoscale.ts')).autoscale,
  'certificate approve': refuse,
  'certificate deny': refuse,
  'cluster-info': async () => (await server()).clusterInfo,
  'cluster-info dump': refuse,
  completion: async () => (await other()).completion,
  'config current-context': async () => (await showConfig()).currentContext,
  'config delete-cluster': async () => (await editConfig()).deleteCluster,
  'config delete-context': async () => (await editConfig()).deleteContext,
  'config delete-user': async () => (await editConfig()).deleteUser,
  'config get-clusters': async () => (await showConfig()).getClusters,
  'config get-contexts': async () => (await showConfig()).getContexts,
  'config get-users': async () => (await showConfig()).getUsers,
  'config rename-context': async () => (await editConfig()).renameContext,
  'config set': async () => (await editConfig()).setProperty,
  'config set-cluster': async () => (await editConfig()).setCluster,
  'config set-context': async () => (await editConfig()).setContext,
  'config set-credentials': async () => (await editConfig()).setCredentials,
  'config unset': async () => (await editConfig()).unsetProperty,
  'config use-context': async () => (await editConfig()).useContext,
  'config view': async () => (await showConfig()).view,
  cordon: async () => (await import('./nodes/cordon.ts')).cordon,
  cp: async () => (await import('./cp.ts')).cp,
  debug: refuse,
  diff: async () => (await import('./diff.ts')).diff,
  drain: async () => (await import('./nodes/drain.ts')).drain,
  events: async () => (await import('./events.ts')).events,
  explain: async () => (await import('./explain.ts')).explain,
  expose: async () => (await import('./expose.ts')).expose,
  options: async () => (await other()).options,
  'plugin list': async () => (await other()).pluginList,
  'port-forward': async () => (await import('./port-forward.ts')).portForward,
  proxy: refuse,
  replace: async () => (await import('./replace.ts')).replace,
  run: async () => (await import('./run.ts')).run,
  'set env': async () => (await import('./set/env.ts')).setEnv,
  'set image': async () => (await import('./set/image.ts')).setImage,
  'set resources': async () => (await import('./set/others.ts')).setResources,
  'set selector': async () => (await import('./set/others.ts')).setSelector,
  'set serviceaccount': async () => (await import('./set/others.ts')).setServiceAccount,
  'set subject': async () => (await import('./set/others.ts')).setSubject,
  taint: async () => (await import('./nodes/taint.ts')).taint,
  'top node': async () => (await server()).top,
  'top pod': async () => (await server()).top,
  uncordon: async () => (await import('./nodes/cordon.ts')).uncordon,
  version: async () => (await server()).version,
  'apply edit-last-applied': refuse,
  'apply set-last-applied': async () => (await import('./last-applied.ts')).setLastApplied,
  'apply view-last-applied': async () => (await import('./last-applied.ts')).viewLastApplied,
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
