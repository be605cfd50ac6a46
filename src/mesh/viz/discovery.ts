import { GROUP, VERSION } from './tap-api.ts';

const KIND = 'Tap';
const groupVersion = { groupVersion: `${GROUP}/${VERSION}`, version: VERSION };
const group = { name: GROUP, versions: [groupVersion], preferredVersion: groupVersion };
const RESOURCES = [
  'namespaces',
  'pods',
  'replicationcontrollers',
  'services',
  'daemonsets',
  'deployments',
  'replicasets',
  'statefulsets',
  'jobs',
  'cronjobs',
];

/** What the tap API says of itself: JSON, or text; undefined for other paths (viz/tap/api/handlers.go). */
export function discoveryAnswer(path: string): object | string | undefined {
  switch (path) {
    case '/':
      return {
        paths: [
          '/apis',
          `/apis/${GROUP}`,
          `/apis/${GROUP}/${VERSION}`,
          '/healthz',
          '/healthz/log',
          '/healthz/ping',
          '/version',
        ],
      };
    case '/apis':
      return { kind: 'APIGroupList', groups: [group] };
    case `/apis/${GROUP}`:
      return { kind: 'APIGroup', apiVersion: 'v1', ...group };
    case `/apis/${GROUP}/${VERSION}`:
      return {
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: `${GROUP}/${VERSION}`,
        resources: RESOURCES.flatMap((name) =>
          [name, `${name}/tap`].map((each) => ({
            name: each,
            singularName: '',
            namespaced: name !== 'namespaces',
            kind: KIND,
            verbs: ['watch'],
          })),
        ),
      };
    case '/healthz':
    case '/healthz/log':
    case '/healthz/ping':
      return 'ok';
    case '/version':
      return {};
    default:
      return undefined;
  }
}
