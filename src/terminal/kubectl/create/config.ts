import type { KubeObject } from '#kube/api/types.ts';
import { createMade } from '../create.ts';
import { CliError } from '../errors.ts';
import type { Invocation } from '../verb.ts';
import { metaOf, nameArgument, requireFlags } from './name.ts';

export async function createNamespace(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  await createMade(k, { kind: 'Namespace', apiVersion: 'v1', metadata: { name }, spec: {}, status: {} });
}

export async function createServiceAccount(k: Invocation): Promise<void> {
  const object = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: metaOf(k, nameArgument(k)) };
  await createMade(k, object, { failed: 'failed to create serviceaccount:' });
}

/** Key to bytes from --from-literal, --from-file and --from-env-file. */
async function gather(k: Invocation): Promise<Map<string, Uint8Array>> {
  const data = new Map<string, Uint8Array>();
  const put = (key: string, value: Uint8Array) => {
    if (!/^[-._a-zA-Z0-9]+$/.test(key)) {
      throw new CliError(
        `${JSON.stringify(key)} is not valid key name for a ConfigMap: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
      );
    }
    if (data.has(key))
      throw new CliError(`cannot add key ${JSON.stringify(key)}, another key by that name already exists`);
    data.set(key, value);
  };
  const { fs, cwd } = k.context;
  if (k.flags.has('from-env-file') && (k.flags.has('from-file') || k.flags.has('from-literal'))) {
    throw new CliError('from-env-file cannot be combined with from-file or from-literal');
  }
  for (const source of k.flags.list('from-file')) {
    const equals = source.indexOf('=');
    const path = equals < 0 ? source : source.slice(equals + 1);
    const full = fs.resolvePath(cwd, path);
    if (!(await fs.exists(full))) throw new CliError(`error reading ${path}: no such file or directory`);
    if ((await fs.stat(full)).isDirectory) {
      for (const entry of (await fs.readdir(full)).sort()) {
        const file = `${full}/${entry}`;
        if (!(await fs.stat(file)).isDirectory) put(entry, await fs.readFileBuffer(file));
      }
    } else
      put(equals < 0 ? path.slice(path.lastIndexOf('/') + 1) : source.slice(0, equals), await fs.readFileBuffer(full));
  }
  for (const literal of k.flags.list('from-literal')) {
    const equals = literal.indexOf('=');
    if (equals <= 0) throw new CliError(`invalid literal source ${literal}, expected key=value`);
    const value = literal.slice(equals + 1);
    const quoted = /^(['"])(.*)\1$/s.exec(value);
    put(literal.slice(0, equals), Buffer.from(quoted ? quoted[2]! : value));
  }
  for (const file of k.flags.list('from-env-file')) {
    for (const line of (await k.readFile(file)).split('\n')) {
      const text = line.trimStart();
      if (text === '' || text.startsWith('#')) continue;
      const equals = text.indexOf('=');
      const key = equals < 0 ? text : text.slice(0, equals);
      put(key, Buffer.from(equals < 0 ? (k.context.env[key] ?? '') : text.slice(equals + 1)));
    }
  }
  return data;
}

const isText = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};

const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes as string).toString('base64');

export async function createConfigMap(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const gathered = [...(await gather(k))].sort(([a], [b]) => (a < b ? -1 : 1));
  const texts = gathered.filter(([, bytes]) => isText(bytes));
  const binaries = gathered.filter(([, bytes]) => !isText(bytes));
  const object: KubeObject = {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: metaOf(k, name),
    ...(texts.length > 0
      ? { data: Object.fromEntries(texts.map(([key, bytes]) => [key, Buffer.from(bytes).toString('utf8')])) }
      : {}),
    ...(binaries.length > 0
      ? { binaryData: Object.fromEntries(binaries.map(([key, bytes]) => [key, base64(bytes)])) }
      : {}),
  };
  await createMade(k, object, { failed: 'failed to create configmap:' });
}

const secret = (k: Invocation, name: string, data: [string, Uint8Array | string][], type: string): KubeObject => ({
  kind: 'Secret',
  apiVersion: 'v1',
  metadata: metaOf(k, name),
  ...(data.length > 0 ? { data: Object.fromEntries(data.map(([key, bytes]) => [key, base64(bytes)])) } : {}),
  ...(type ? { type } : {}),
});

export async function createSecretGeneric(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const data = [...(await gather(k))].sort(([a], [b]) => (a < b ? -1 : 1));
  await createMade(k, secret(k, name, data, k.flags.get('type')), { failed: 'failed to create secret' });
}

export async function createSecretTls(k: Invocation): Promise<void> {
  requireFlags(k, 'cert', 'key');
  const name = nameArgument(k);
  const [cert, key] = await Promise.all([readPem(k, 'cert'), readPem(k, 'key')]);
  if (!/-----BEGIN [A-Z0-9 ]+-----/.test(cert)) {
    throw new CliError('tls: failed to find any PEM data in certificate input');
  }
  if (!/-----BEGIN CERTIFICATE-----/.test(cert)) {
    throw new CliError(
      'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched',
    );
  }
  if (!/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(key)) {
    throw new CliError('tls: failed to find any PEM data in key input');
  }
  await refuseForeignKey(cert, key);
  const object = secret(
    k,
    name,
    [
      ['tls.crt', cert],
      ['tls.key', key],
    ],
    'kubernetes.io/tls',
  );
  await createMade(k, object, { failed: 'failed to create secret' });
}

async function refuseForeignKey(cert: string, key: string): Promise<void> {
  const { X509Certificate, createPrivateKey } = await import('node:crypto');
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new CliError('tls: private key does not match public key');
  }
}

async function readPem(k: Invocation, flag: string): Promise<string> {
  const path = k.flags.get(flag);
  const full = k.context.fs.resolvePath(k.context.cwd, path);
  if (path === '/dev/null') return '';
  if (!(await k.context.fs.exists(full)))
    throw new CliError(`Cannot read file ${path}, open ${path}: no such file or directory`);
  return k.context.fs.readFile(full);
}

export async function createSecretDocker(k: Invocation): Promise<void> {
  const name = nameArgument(k);
  const [username, password, email] = ['username', 'password', 'email'].map((each) => k.flags.get(`docker-${each}`));
  if (!k.flags.has('from-file') && (!username || !password)) {
    throw new CliError(
      'either --from-file or the combination of --docker-username, --docker-password and --docker-server is required',
    );
  }
  const content = k.flags.has('from-file')
    ? [...(await gather(k)).values()][0]!
    : JSON.stringify({
        auths: {
          [k.flags.get('docker-server')]: {
            username,
            password,
            ...(email ? { email } : {}),
            auth: base64(`${username}:${password}`),
          },
        },
      });
  const object = secret(k, name, [['.dockerconfigjson', content]], 'kubernetes.io/dockerconfigjson');
  await createMade(k, object, { failed: 'failed to create secret' });
}
