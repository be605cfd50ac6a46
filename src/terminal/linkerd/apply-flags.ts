import { parseDocument } from 'yaml';
import { isQuantity } from '#mesh/injector/overrides.ts';
import { applyHighAvailability } from '#mesh/install/high-availability.ts';
import { merged, setPath, setPaths } from '#mesh/install/overrides.ts';
import type { Values } from '#mesh/install/values.ts';
import { yamlProblem } from '../yaml-problem.ts';
import { UsageError } from './flags.ts';
import { VALUE_FLAGS, type ValueFlag } from './install-flags.ts';
import { readText } from './read-text.ts';
import { valueProblem } from './value-problems.ts';
import { typeProblem } from './value-types.ts';
import { goDuration, goDurationText, type Invocation } from './verb.ts';

/** What is said of an amount of CPU that is none. */
export const NO_QUANTITY =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Lays files, `--set` and single flags on the values, in Helm's order. Returns them. */
export async function applyFlags(invocation: Invocation, start: Values, { checksTypes = true } = {}): Promise<Values> {
  const { flags, context } = invocation;
  let values = start;
  if (flags.values.get('ha') === 'true') applyHighAvailability(values);
  for (const path of flags.all.get('values') ?? [])
    values = merged(values, readValues(path, await readText(invocation, path)));
  for (const flag of VALUE_FLAGS) {
    const text = flags.values.get(flag.name);
    if (text === undefined) continue;
    if (flag.name.startsWith('proxy-cpu') && !isQuantity(text)) throw new UsageError(NO_QUANTITY);
    setPath(values, flag.path.split('.'), readFlag(flag, text));
  }
  if (flags.values.get('identity-external-issuer') === 'true') values.identity.issuer.scheme = 'kubernetes.io/tls';
  const registry = flags.values.get('registry') ?? context.env['LINKERD_DOCKER_REGISTRY'];
  if (registry) {
    values.controllerImage = values.controllerImage.replace(/^cr\.l5d\.io\/linkerd/, registry);
    for (const { image } of [values.proxy, values['debugContainer']])
      image.name = image.name.replace(/^cr\.l5d\.io\/linkerd/, registry);
  }
  try {
    for (const each of flags.all.get('set') ?? []) setPaths(values, each);
    for (const each of flags.all.get('set-string') ?? []) setPaths(values, each, 'string');
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  for (const each of flags.all.get('set-file') ?? []) {
    const [path, file] = each.split('=', 2) as [string, string];
    setPath(values, path.split('.'), await readText(invocation, file));
  }
  // Identities are named after the cluster, unless they are given a name of their own.
  const domain = values.clusterDomain;
  if (values.identityTrustDomain === 'cluster.local' && !flags.values.has('identity-trust-domain'))
    values.identityTrustDomain = domain;
  const wrong = typeProblem(values);
  // An upgrade lays single values on what is rendered, whatever their type; trees it needs.
  if (wrong && (checksTypes || wrong.includes('linkerd2.'))) throw new UsageError(wrong);
  const problem = valueProblem(values);
  if (problem) throw new UsageError(problem);
  await identityFiles(invocation, values);
  return values;
}

function readValues(path: string, text: string): object {
  const document = parseDocument(text, { version: '1.1' });
  const problem = document.errors[0];
  if (problem)
    throw new UsageError(`failed to parse ${path}: error converting YAML to JSON: yaml: ${yamlProblem(problem)}`);
  return (document.toJS() as object | null) ?? {};
}

function readFlag(flag: ValueFlag, text: string): unknown {
  switch (flag.read) {
    case 'number':
      return Number(text);
    case 'switch':
      return text === 'true';
    case 'inverted':
      return text !== 'true';
    case 'duration':
      return goDurationText(goDuration(text));
    default:
      return text;
  }
}

async function identityFiles(invocation: Invocation, values: Values): Promise<void> {
  const read = async (flag: string) => {
    const path = invocation.flags.values.get(flag);
    return path === undefined ? undefined : await readText(invocation, path);
  };
  const anchors = await read('identity-trust-anchors-file');
  const certificate = await read('identity-issuer-certificate-file');
  const key = await read('identity-issuer-key-file');
  if (certificate !== undefined && !certificate.includes('-----BEGIN CERTIFICATE-----'))
    throw new UsageError('not a PEM certificate');
  if (anchors) values.identityTrustAnchorsPEM = anchors;
  if (certificate) values.identity.issuer.tls.crtPEM = certificate;
  if (key) values.identity.issuer.tls.keyPEM = key;
}
