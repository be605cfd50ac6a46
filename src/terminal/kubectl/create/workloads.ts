import type { KubeObject } from '#kube/api/types.ts';
import { createMade } from '../create.ts';
import { CliError } from '../errors.ts';
import type { Invocation } from '../verb.ts';
import { containerNameOf, metaOf, nameArgument, requireFlags } from './name.ts';

export async function createDeployment(k: Invocation): Promise<void> {
  requireFlags(k, 'image');
  const name = nameArgument(k);
  const images = k.flags.list('image');
  const command = k.args.slice(1);
  if (images.length > 1 && command.length > 0)
    throw new CliError('cannot specify multiple --image options and command');
  const port = k.flags.int('port');
  const labels = { app: name };
  const containers = images.map((image, i) => ({
    name: containerNameOf(image),
    image,
    ...(command.length > 0 ? { command } : {}),
    ...(i === 0 && port > 0 ? { ports: [{ containerPort: port }] } : {}),
    resources: {},
  }));
  const deployment: KubeObject = {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata: metaOf(k, name, labels),
    spec: {
      replicas: k.flags.int('replicas'),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
      strategy: {},
    },
    status: {},
  };
  await createMade(k, deployment, { failed: 'failed to create deployment:' });
}

function podTemplate(name: string, image: string, command: string[], restartPolicy: string) {
  return {
    metadata: {},
    spec: {
      containers: [{ name, image, ...(command.length > 0 ? { command } : {}), resources: {} }],
      restartPolicy,
    },
  };
}

export async function createJob(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const image = k.flags.get('image');
  const from = k.flags.get('from');
  const command = k.args.slice(1);
  if (!image === !from) throw new CliError('either --image or --from must be specified');
  if (from && command.length > 0) throw new CliError('cannot specify --from and command');
  const job = from
    ? await jobFromCronJob(k, name, from)
    : {
        kind: 'Job',
        apiVersion: 'batch/v1',
        metadata: metaOf(k, name),
        spec: { template: podTemplate(name, image, command, 'Never') },
        status: {},
      };
  await createMade(k, job, { failed: 'failed to create job:' });
}

async function jobFromCronJob(k: Invocation, name: string, from: string): Promise<KubeObject> {
  const [type = '', cronName = ''] = from.split('/');
  const resource = await k.finder.find(type);
  if (resource.kind !== 'CronJob') throw new CliError('from must be an existing cronjob');
  const { group, version } = resource;
  const cron = await k.client.get({ group, version, resource: 'cronjobs', namespace: k.namespace }, cronName);
  const template = cron['spec'].jobTemplate;
  return {
    kind: 'Job',
    apiVersion: 'batch/v1',
    metadata: {
      name,
      ...(k.namespaceGiven ? { namespace: k.namespace } : {}),
      ...(template.metadata?.labels ? { labels: template.metadata.labels } : {}),
      annotations: { ...template.metadata?.annotations, 'cronjob.kubernetes.io/instantiate': 'manual' },
      ownerReferences: [
        { apiVersion: 'batch/v1', kind: 'CronJob', name: cronName, uid: cron.metadata.uid ?? '', controller: true },
      ],
    },
    spec: template.spec,
    status: {},
  };
}

export async function createCronJob(k: Invocation): Promise<void> {
  requireFlags(k, 'image', 'schedule');
  const name = nameArgument(k);
  const template = podTemplate(name, k.flags.get('image'), k.args.slice(1), k.flags.get('restart') || 'OnFailure');
  const cronJob: KubeObject = {
    kind: 'CronJob',
    apiVersion: 'batch/v1',
    metadata: metaOf(k, name),
    spec: {
      schedule: k.flags.get('schedule'),
      jobTemplate: { metadata: { name }, spec: { template } },
    },
    status: {},
  };
  await createMade(k, cronJob, { failed: 'failed to create cronjob:' });
}
