import { type Causes, DNS_LABEL, dnsLabelProblem, noting } from './causes.ts';
import { relativePathCauses } from './container.ts';

// biome-ignore lint/suspicious/noExplicitAny: specifications are read field by field.
type Fields = any;

/** Sources of volumes that are looked into; every other field of a volume counts as a source as well. */
const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

/** Names of the volumes with which nothing is wrong; says what is wrong with the others. */
export function volumeCauses(volumes: Fields[], path: string, toAll: Causes): Set<string> {
  const names = new Set<string>();
  let wrong = false;
  const add = noting(toAll, () => {
    wrong = true;
  });
  volumes.forEach((volume, i) => {
    const at = `${path}[${i}]`;
    const { name, ...sources } = volume;
    wrong = false;
    if (!name) add.required(`${at}.name`);
    else if (!DNS_LABEL.test(name)) add.invalid(`${at}.name`, name, dnsLabelProblem(name));
    else if (name.length > 63) add.invalid(`${at}.name`, name, 'must be no more than 63 bytes');
    else if (names.has(name)) add.duplicate(`${at}.name`, name);
    const given = Object.keys(sources).filter((source) => sources[source]);
    if (given.length === 0) add.required(at, 'must specify a volume type');
    given.slice(1).forEach((source) => {
      add.forbidden(`${at}.${source}`, 'may not specify more than 1 volume type');
    });
    if (given.length > 0) sourceCauses(given[0]!, sources[given[0]!], `${at}.${given[0]}`, add);
    if (!wrong) names.add(name);
  });
  return names;
}

function sourceCauses(source: string, value: Fields, path: string, add: Causes): void {
  switch (source) {
    case 'configMap':
      if (!value.name) add.required(`${path}.name`);
      itemCauses(value, path, add);
      break;
    case 'secret':
      if (!value.secretName) add.required(`${path}.secretName`);
      itemCauses(value, path, add);
      break;
    case 'hostPath':
      if (!value.path) {
        add.required(`${path}.path`);
        break;
      }
      if (value.path.split('/').includes('..')) add.invalid(`${path}.path`, value.path, "must not contain '..'");
      if (value.type && !HOST_PATH_TYPES.includes(value.type)) {
        add.unsupported(`${path}.type`, value.type, HOST_PATH_TYPES);
      }
      break;
    case 'persistentVolumeClaim':
      if (!value.claimName) add.required(`${path}.claimName`);
      break;
    case 'nfs':
      if (!value.server) add.required(`${path}.server`);
      if (!value.path) add.required(`${path}.path`);
      else if (!value.path.startsWith('/')) add.invalid(`${path}.path`, value.path, 'must be an absolute path');
      break;
    case 'emptyDir':
      if (value.sizeLimit && String(value.sizeLimit).startsWith('-')) {
        add.forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
      }
      break;
    default:
  }
}

function itemCauses({ items, defaultMode }: Fields, path: string, add: Causes): void {
  const range = 'must be a number between 0 and 0777 (octal), both inclusive';
  if (defaultMode !== undefined && (defaultMode < 0 || defaultMode > 0o777)) {
    add.invalid(`${path}.defaultMode`, defaultMode, range);
  }
  (items ?? []).forEach(({ key, path: to, mode }: Fields, i: number) => {
    const at = `${path}.items[${i}]`;
    if (!key) add.required(`${at}.key`);
    if (!to) add.required(`${at}.path`);
    else relativePathCauses(to, `${at}.path`, add);
    if (mode !== undefined && mode !== null && (mode < 0 || mode > 0o777)) add.invalid(`${at}.mode`, mode, range);
  });
}
