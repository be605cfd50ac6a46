import { parse, parseAllDocuments } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import type { Answer } from './pair.ts';

const RULES: [RegExp, string][] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b[0-9a-f]{64}\b/g, '<hash>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<time>'],
  [/-----BEGIN [\s\S]*?-----END [A-Z ]+-----/g, '<pem>'],
  [/https:\/\/127\.0\.0\.1:\d+/g, '<server>'],
  // A warning of the client library, which the API server sent to both.
  [/^I\d{4} .*warnings\.go.*\n/gm, ''],
  // Examples and the prose above the usage are our own words.
  [/\n\nExamples:\n[\s\S]*?(?=\n\n(Available Commands|Flags):\n)/g, ''],
];

const normalised = (text: string): string => {
  const whole = RULES.reduce((so, [pattern, word]) => so.replaceAll(pattern, word), text);
  // `--help` is prose, then usage; an error stands before the usage instead.
  const usage = whole.indexOf('\n\nUsage:\n');
  return usage >= 0 && !whole.startsWith('Error:') ? whole.slice(usage) : whole;
};

/**
 * What two answers must have in common: exit code, words on both streams, or the objects that were rendered, without
 * those named in `without`.
 */
export function likeness({ stdout, stderr, code }: Answer, as: 'words' | 'manifests', without: string[] = []): object {
  if (as === 'words' || code !== 0) return { code, stdout: normalised(stdout), stderr: normalised(stderr) };
  return { code, objects: objectsIn(stdout, without), stderr: normalised(stderr) };
}

/** Rendered objects by name, in any order, without what is made anew at each rendering. */
function objectsIn(text: string, without: string[]): Record<string, unknown> {
  const objects = parseAllDocuments(text, { version: '1.1' }).map((each) => each.toJS() as KubeObject | null);
  return Object.fromEntries(
    objects
      .filter((each) => each !== null)
      .filter(({ metadata }) => !without.includes(metadata.name!))
      .map(({ kind, metadata, ...rest }) => [
        `${kind}/${metadata.namespace ?? ''}/${metadata.name}`,
        still(
          {
            metadata: kind === 'CustomResourceDefinition' ? { name: metadata.name } : metadata,
            ...summary(kind, rest),
          },
          without,
        ),
      ])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
}

/** Of a CRD, what it serves: its schemas are kept without their prose. */
function summary(kind: string, rest: object): object {
  if (kind !== 'CustomResourceDefinition') return rest;
  const { spec } = rest as { spec: { group: string; scope: string; versions: { name: string; served: boolean }[] } };
  return {
    group: spec.group,
    scope: spec.scope,
    versions: spec.versions.map(({ name, served }) => `${name} ${served}`),
  };
}

const MADE_ANEW = new Set(['caBundle', 'tls.crt', 'tls.key', 'crt.pem', 'key.pem', 'schedule']);

/**
 * Keys and certificates, hashes, the hour of the heartbeat, what is null, and scrape jobs named in `without` put aside.
 * Base64 is read, and so are the files in ConfigMaps that are YAML.
 */
function still(value: unknown, without: string[], key?: string): unknown {
  if (key !== undefined && MADE_ANEW.has(key)) return `<${key}>`;
  if (Array.isArray(value))
    return value.filter((each) => !without.includes(each?.job_name)).map((each) => still(each, without));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, each]) => each !== null)
        .map(([name, each]) => [name, still(each, without, name)]),
    );
  if (typeof value !== 'string') return value;
  if (value.length > 40 && !/^[0-9a-f]{64}$/.test(value) && /^[A-Za-z0-9+/]+={0,2}$/.test(value))
    return still(Buffer.from(value, 'base64').toString(), without);
  if (key?.endsWith('.yml')) return still(parse(value), without);
  return normalised(value).trim();
}
