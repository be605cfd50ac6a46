import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { plain as plainOfKube, type Group as RealGroup } from '../real/replay.ts';
import { type AuthorityPlan, authorityFiles } from './authorities.ts';

/**
 * Commands on one subject of the mesh, in order. The group's namespace is called like the group and is injected unless
 * `inject` is false; `namespaces` are further ones, also called by the group's name and a word (`p-audit-other`).
 */
export interface Group extends RealGroup {
  inject?: boolean;
  namespaces?: Record<string, { annotations?: Record<string, string>; labels?: Record<string, string> }>;
  /** Annotations of the group's own namespace beside injection. */
  annotations?: Record<string, string>;
  /** `none`: the cluster has no mesh yet; for groups in `own`. */
  mesh?: 'linkerd' | 'none';
  /** Certificates that are made anew at every run. */
  authorities?: Record<string, AuthorityPlan>;
}

export const GROUPS = join(import.meta.dirname, 'groups');

/** Groups that change the mesh itself, each in a cluster of its own, are in `own`. */
export const groupNames = (folder: '.' | 'own' = '.'): string[] =>
  readdirSync(join(GROUPS, folder))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(folder, name.replace('.yaml', '')))
    .sort();

export const readGroup = (name: string): Group => parse(readFileSync(join(GROUPS, `${name}.yaml`), 'utf8')) as Group;

const FILES = join(import.meta.dirname, 'files');

/** A group with the files that every group finds in its folder beside its own. */
export const withFiles = (group: Group): Group => ({
  ...group,
  files: {
    ...Object.fromEntries(readdirSync(FILES).map((name) => [name, readFileSync(join(FILES, name), 'utf8')])),
    ...authorityFiles(group.authorities),
    ...group.files,
  },
});

/** What differs from run to run of a meshed cluster, before what does in any. */
const ASIDE: [RegExp, string][] = [
  // Proxy log lines: "[   12.345678s]  INFO ThreadId(01) …".
  [/^\[ *\d+\.\d+s\]/gm, '[<uptime>]'],
  [/ThreadId\(\d+\)/g, 'ThreadId(<n>)'],
  [
    /\b((?:10|172)\.\d+\.\d+\.\d+):(?!(?:80|443|808\d|8086|4143|4140|419[01]|5678|9990|9995|909\d|8443)\b)\d{4,5}\b/g,
    '$1:<port>',
  ],
  [/^(date|last-modified|etag): .*$/gim, '$1: <date>'],
  // What the official CLI's client library says of warnings, and the node's name.
  [/^I\d{4} .*warnings\.go.*\n/gm, ''],
  [/\bto academy(?:-[a-z0-9]+)?$/gm, 'to <node>'],
  [/^(x-app-version):.*$/gim, '$1: <version>'],
  [/(linkerd2_proxy: release ).*$/gm, '$1<release>'],
];

export const plain = (text: string): string =>
  plainOfKube(ASIDE.reduce((so, [pattern, word]) => so.replaceAll(pattern, word), text.replaceAll('\r', '')));

/** The namespaces of a group, as a List. */
export function namespacesOf(group: Group): { kind: string; apiVersion: string; items: object[] } {
  const named = (name: string, metadata: object) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, ...metadata },
  });
  const inject = group.inject === false ? {} : { 'linkerd.io/inject': 'enabled' };
  return {
    kind: 'List',
    apiVersion: 'v1',
    items: [
      named(group.group, { annotations: { ...inject, ...group.annotations } }),
      ...Object.entries(group.namespaces ?? {}).map(([word, metadata]) => named(`${group.group}-${word}`, metadata)),
    ],
  };
}

export const namespaceNames = (group: Group): string[] => [
  group.group,
  ...Object.keys(group.namespaces ?? {}).map((word) => `${group.group}-${word}`),
];
