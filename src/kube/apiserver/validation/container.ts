import { compareQuantities } from '#kube/api/quantity.ts';
import { type Causes, DNS_LABEL, dnsLabelProblem } from './causes.ts';
import { internalForm, SECURITY_CONTEXT } from './internal-form.ts';

// biome-ignore lint/suspicious/noExplicitAny: specifications are read field by field.
type Fields = any;

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const PORT_RANGE = 'must be between 1 and 65535, inclusive';
const isPort = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;

/** What is wrong with a container. Source: pkg/apis/core/validation. */
export function containerCauses(
  container: Fields,
  path: string,
  kind: 'containers' | 'initContainers',
  names: Set<string>,
  volumes: Set<string>,
  add: Causes,
): void {
  const { name, image, imagePullPolicy } = container;
  if (!name) add.required(`${path}.name`);
  else if (!DNS_LABEL.test(name)) add.invalid(`${path}.name`, name, dnsLabelProblem(name));
  else if (name.length > 63) add.invalid(`${path}.name`, name, 'must be no more than 63 bytes');
  if (!image) add.required(`${path}.image`);
  else if (image !== image.trim()) {
    add.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace');
  }
  const isSidecar = kind === 'initContainers' && container.restartPolicy === 'Always';
  if (kind === 'initContainers' && container.restartPolicy && !isSidecar) {
    add.unsupported(`${path}.restartPolicy`, container.restartPolicy, ['Always']);
  }
  const runsOn = kind === 'containers' || isSidecar;
  for (const [field, handler] of Object.entries(container.lifecycle ?? {})) {
    if (field !== 'postStart' && field !== 'preStop') continue;
    if (runsOn) handlerCauses(handler, `${path}.lifecycle.${field}`, ['exec', 'httpGet', 'tcpSocket', 'sleep'], add);
    else add.forbidden(`${path}.lifecycle`, 'may not be set for init containers without restartPolicy=Always');
  }
  for (const [field, probe] of Object.entries({
    livenessProbe: container.livenessProbe,
    readinessProbe: container.readinessProbe,
    startupProbe: container.startupProbe,
  })) {
    if (!probe) continue;
    if (runsOn) probeCauses(probe, `${path}.${field}`, field === 'readinessProbe', add);
    else add.forbidden(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always');
  }
  portCauses(container.ports ?? [], `${path}.ports`, add);
  envCauses(container.env ?? [], `${path}.env`, add);
  envFromCauses(container.envFrom ?? [], `${path}.envFrom`, add);
  mountCauses(container.volumeMounts ?? [], `${path}.volumeMounts`, volumes, add);
  if (imagePullPolicy && !PULL_POLICIES.includes(imagePullPolicy)) {
    add.unsupported(`${path}.imagePullPolicy`, imagePullPolicy, PULL_POLICIES);
  }
  resourceCauses(container.resources ?? {}, `${path}.resources`, add);
  securityCauses(container.securityContext, `${path}.securityContext`, add);
  if (name && names.has(name)) add.duplicate(`${path}.name`, name);
  names.add(name ?? '');
}

function portCauses(ports: Fields[], path: string, add: Causes): void {
  const names = new Set<string>();
  ports.forEach(({ name, containerPort, hostPort, protocol }, i) => {
    const at = `${path}[${i}]`;
    if (name) {
      portNameCauses(name, `${at}.name`, add);
      if (names.has(name)) add.duplicate(`${at}.name`, name);
      names.add(name);
    }
    if (containerPort === undefined || containerPort === 0) add.required(`${at}.containerPort`);
    else if (!isPort(containerPort)) add.invalid(`${at}.containerPort`, containerPort, PORT_RANGE);
    if (hostPort && !isPort(hostPort)) add.invalid(`${at}.hostPort`, hostPort, PORT_RANGE);
    if (!protocol) add.required(`${at}.protocol`);
    else if (!PROTOCOLS.includes(protocol)) add.unsupported(`${at}.protocol`, protocol, PROTOCOLS);
  });
}

/** RFC 6335: at most fifteen letters, digits and lonely hyphens, with a letter among them. */
export function portNameCauses(name: string, path: string, add: Causes): void {
  if (name.length > 15) add.invalid(path, name, 'must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(name)) {
    add.invalid(path, name, 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  } else {
    if (!/[a-z]/.test(name)) add.invalid(path, name, 'must contain at least one letter (a-z)');
    if (name.includes('--')) add.invalid(path, name, 'must not contain consecutive hyphens');
    if (/^-|-$/.test(name)) add.invalid(path, name, 'must not begin or end with a hyphen');
  }
}

const ENV_SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];
const FIELD_PATHS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

/** Paths that a pod's fields can be named by, though not in the environment. */
const CONVERTIBLE = [
  'metadata.labels',
  'metadata.annotations',
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
];

function envCauses(env: Fields[], path: string, add: Causes): void {
  env.forEach(({ name, value, valueFrom }, i) => {
    const at = `${path}[${i}]`;
    if (!name) add.required(`${at}.name`);
    else if (!/^[ -<>-~]+$/.test(name)) {
      add.invalid(
        `${at}.name`,
        name,
        "a valid environment variable name must consist only of printable ASCII characters other than '='",
      );
    }
    if (!valueFrom) return;
    const from = `${at}.valueFrom`;
    const given = ENV_SOURCES.filter((source) => valueFrom[source]);
    if (given.length === 0) {
      add.invalid(
        from,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      );
    } else if (value) add.invalid(from, '', 'may not be specified when `value` is not empty');
    else if (given.length > 1) add.invalid(from, '', 'may not have more than one field specified at a time');
    for (const source of ['configMapKeyRef', 'secretKeyRef']) {
      const reference = valueFrom[source];
      if (reference && !reference.key) add.required(`${from}.${source}.key`);
      else if (reference && !/^[-._a-zA-Z0-9]+$/.test(reference.key)) {
        add.invalid(`${from}.${source}.key`, reference.key, CONFIG_KEY_TEXT);
      }
    }
    if (valueFrom.fieldRef) fieldRefCauses(valueFrom.fieldRef, `${from}.fieldRef`, add);
    if (valueFrom.resourceFieldRef && !valueFrom.resourceFieldRef.resource) {
      add.required(`${from}.resourceFieldRef.resource`);
    }
  });
}

export const CONFIG_KEY_TEXT =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

function fieldRefCauses({ fieldPath }: Fields, path: string, add: Causes): void {
  if (!fieldPath) add.required(`${path}.fieldPath`);
  else if (!FIELD_PATHS.includes(fieldPath) && !/^metadata\.(labels|annotations)\['[^']+'\]$/.test(fieldPath)) {
    if (CONVERTIBLE.includes(fieldPath)) add.unsupported(`${path}.fieldPath`, fieldPath, FIELD_PATHS);
    else
      add.invalid(
        `${path}.fieldPath`,
        fieldPath,
        `error converting fieldPath: field label not supported: ${fieldPath}`,
      );
  }
}

function envFromCauses(sources: Fields[], path: string, add: Causes): void {
  sources.forEach(({ configMapRef, secretRef }, i) => {
    const at = `${path}[${i}]`;
    if (!configMapRef && !secretRef) add.invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`');
    else if (configMapRef && secretRef) add.invalid(at, '', 'may not have more than one field specified at a time');
    else if (configMapRef && !configMapRef.name) add.required(`${at}.configMapRef.name`);
    else if (secretRef && !secretRef.name) add.required(`${at}.secretRef.name`);
  });
}

function mountCauses(mounts: Fields[], path: string, volumes: Set<string>, add: Causes): void {
  const taken = new Set<string>();
  mounts.forEach(({ name, mountPath, subPath, subPathExpr }, i) => {
    const at = `${path}[${i}]`;
    if (!name) add.required(`${at}.name`);
    if (!volumes.has(name)) add.notFound(`${at}.name`, name ?? '');
    if (!mountPath) add.required(`${at}.mountPath`);
    if (taken.has(mountPath)) add.invalid(`${at}.mountPath`, mountPath, 'must be unique');
    taken.add(mountPath);
    // Upstream leaves the number out here.
    if (subPath) relativePathCauses(subPath, `${path}.subPath`, add);
    if (subPath && subPathExpr)
      add.invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive');
  });
}

export function relativePathCauses(text: string, path: string, add: Causes): void {
  if (text.startsWith('/')) add.invalid(path, text, 'must be a relative path');
  if (text.split('/').includes('..')) add.invalid(path, text, "must not contain '..'");
}

const PROBE_HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'];

function probeCauses(probe: Fields, path: string, isReadiness: boolean, add: Causes): void {
  handlerCauses(probe, path, PROBE_HANDLERS, add);
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ]) {
    if (probe[field] < 0) add.invalid(`${path}.${field}`, probe[field], 'must be greater than or equal to 0');
  }
  if (!isReadiness && probe.successThreshold !== undefined && probe.successThreshold !== 1) {
    add.invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1');
  }
}

function handlerCauses(handler: Fields, path: string, known: string[], add: Causes): void {
  const given = known.filter((name) => handler[name]);
  if (given.length === 0) add.required(path, 'must specify a handler type');
  given.slice(1).forEach((name) => {
    add.forbidden(`${path}.${name}`, 'may not specify more than 1 handler type');
  });
  const { exec, httpGet, tcpSocket, grpc } = handler;
  if (exec && !(exec.command ?? []).length) add.required(`${path}.exec.command`);
  if (httpGet) {
    if (!httpGet.path) add.required(`${path}.httpGet.path`);
    portOrNameCauses(httpGet.port, `${path}.httpGet.port`, add);
    if (httpGet.scheme && !['HTTP', 'HTTPS'].includes(httpGet.scheme)) {
      add.unsupported(`${path}.httpGet.scheme`, httpGet.scheme, ['HTTP', 'HTTPS']);
    }
  }
  if (tcpSocket) portOrNameCauses(tcpSocket.port, `${path}.tcpSocket.port`, add);
  if (grpc && !isPort(grpc.port)) add.invalid(`${path}.grpc.port`, grpc.port ?? 0, PORT_RANGE);
}

export function portOrNameCauses(port: unknown, path: string, add: Causes): void {
  if (typeof port === 'string') portNameCauses(port, path, add);
  else if (!isPort(port)) add.invalid(path, port ?? 0, PORT_RANGE);
}

const STANDARD = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;

function resourceCauses({ limits = {}, requests = {} }: Fields, path: string, add: Causes): void {
  for (const [side, amounts] of [
    ['limits', limits],
    ['requests', requests],
  ] as [string, Record<string, string>][]) {
    for (const [name, amount] of Object.entries(amounts)) {
      const at = `${path}.${side}[${name}]`;
      if (!name.includes('/') && !STANDARD.test(name)) {
        add.invalid(at, name, 'must be a standard resource type or fully qualified');
        add.invalid(at, name, 'must be a standard resource for containers');
      }
      if (String(amount).startsWith('-')) add.invalid(at, amount, 'must be greater than or equal to 0');
    }
  }
  for (const [name, amount] of Object.entries(requests as Record<string, string>)) {
    const limit = limits[name];
    if (limit === undefined || compareQuantities(amount, limit) <= 0) continue;
    add.invalid(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`);
  }
}

const ID_RANGE = 'must be between 0 and 2147483647, inclusive';

function securityCauses(context: Fields, path: string, add: Causes): void {
  if (!context) return;
  for (const field of ['runAsUser', 'runAsGroup']) {
    const id = context[field];
    if (typeof id === 'number' && (id < 0 || id > 2_147_483_647)) add.invalid(`${path}.${field}`, id, ID_RANGE);
  }
  if (context.allowPrivilegeEscalation !== false) return;
  if (context.privileged) {
    add.invalid(
      path,
      internalForm(context, SECURITY_CONTEXT),
      'cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    );
  }
  if ((context.capabilities?.add ?? []).some((each: string) => each === 'SYS_ADMIN' || each === 'CAP_SYS_ADMIN')) {
    add.invalid(
      path,
      internalForm(context, SECURITY_CONTEXT),
      'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
    );
  }
}
