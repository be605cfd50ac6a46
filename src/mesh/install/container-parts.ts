import type { Resources } from '#kube/api/pod-parts.ts';
import type { Values } from './values.ts';

/** What `proxy.resources` and its like say of each resource. */
type ChosenResources = Record<string, { limit?: string | number; request?: string | number } | null> | null | undefined;

/** As `resources` of a container, or nothing where the values have none. */
export const chosenResources = (from: ChosenResources): { resources?: Resources | null } =>
  from ? { resources: resources(from) } : {};

/** Written when a value of `proxy.resources` is set; null otherwise, as the chart renders it. */
export function resources(from: ChosenResources): Resources | null {
  const pick = (which: 'limit' | 'request') => {
    const out: Record<string, string> = {};
    for (const [name, each] of Object.entries(from ?? {})) if (each?.[which]) out[name] = String(each[which]);
    return Object.keys(out).length > 0 ? out : undefined;
  };
  const [limits, requests] = [pick('limit'), pick('request')];
  if (!limits && !requests) return null;
  return { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) };
}

export const imageOf = (image: { name: string; version?: string }, values: Values): string =>
  `${image.name}:${image.version || values.linkerdVersion}`;

/** The item in a list, or nothing. */
export const when = <T>(condition: unknown, item: () => T): T[] => (condition ? [item()] : []);
