import type { KubeObject } from '#kube/api/types.ts';
import { opaquePortsAgree } from './opaque-ports.ts';
import type { Category } from './runner.ts';
import { proxiesMatchCli, proxiesRunning, proxiesUpToDate } from './versions.ts';
import { bullets, CORE, type World } from './world.ts';

/** What is read from annotations alone, and people put into labels. */
const isAnnotation = (key: string): boolean => /^(linkerd\.io\/inject$|config\.(alpha\.)?linkerd\.io\/?)/.test(key);

/** Objects with keys that belong elsewhere, each followed by those keys. */
const misplaced = (
  objects: KubeObject[],
  of: (metadata: KubeObject['metadata']) => Record<string, string> | undefined,
  wrong: (key: string) => boolean,
): string[] =>
  objects.flatMap(({ metadata }) => {
    const keys = Object.keys(of(metadata) ?? {}).filter(wrong);
    return keys.length > 0
      ? [`${metadata.namespace}/${metadata.name}${keys.map((key) => `\n\t\t${key}`).join('')}`]
      : [];
  });

export const dataPlane: Category<World> = {
  name: 'linkerd-data-plane',
  checks: [
    {
      description: 'data plane namespace exists',
      hint: 'l5d-data-plane-exists',
      fatal: true,
      run: async (world) => {
        if (world.dataPlane && !(await world.find(CORE('namespaces'), world.dataPlane))) {
          throw new Error(`The "${world.dataPlane}" namespace does not exist`);
        }
      },
    },
    {
      description: 'data plane proxies are ready',
      hint: 'l5d-data-plane-ready',
      fatal: true,
      retry: true,
      run: async (world) => {
        const selector = `linkerd.io/control-plane-ns=${world.controlPlane}`;
        proxiesRunning(await world.list(CORE('pods', world.dataPlane), selector), world.dataPlane);
      },
    },
    {
      description: 'data plane is up-to-date',
      hint: 'l5d-data-plane-version',
      warning: true,
      run: async (world) => {
        proxiesUpToDate(world, await world.dataPlanePods());
      },
    },
    {
      description: 'data plane and cli versions match',
      hint: 'l5d-data-plane-cli-version',
      warning: true,
      run: async (world) => {
        proxiesMatchCli(world, await world.dataPlanePods());
      },
    },
    {
      description: 'data plane pod labels are configured correctly',
      hint: 'l5d-data-plane-pod-labels',
      warning: true,
      run: async (world) => {
        const wrong = misplaced(await world.dataPlanePods(), ({ labels }) => labels, isAnnotation);
        if (wrong.length > 0) throw new Error(`Some labels on data plane pods should be annotations:${bullets(wrong)}`);
      },
    },
    {
      description: 'data plane service labels are configured correctly',
      hint: 'l5d-data-plane-services-labels',
      warning: true,
      run: async (world) => {
        const services = await world.list(CORE('services', world.dataPlane));
        const wrong = misplaced(services, ({ labels }) => labels, isAnnotation);
        if (wrong.length > 0)
          throw new Error(`Some labels on data plane services should be annotations:${bullets(wrong)}`);
      },
    },
    {
      description: 'data plane service annotations are configured correctly',
      hint: 'l5d-data-plane-services-annotations',
      warning: true,
      run: async (world) => {
        const services = await world.list(CORE('services', world.dataPlane));
        const wrong = misplaced(
          services,
          ({ annotations }) => annotations,
          (key) => key === 'mirror.linkerd.io/exported',
        );
        if (wrong.length > 0)
          throw new Error(`Some annotations on data plane services should be labels:${bullets(wrong)}`);
      },
    },
    {
      description: 'opaque ports are properly annotated',
      hint: 'linkerd-opaque-ports-definition',
      warning: true,
      run: opaquePortsAgree,
    },
  ],
};
