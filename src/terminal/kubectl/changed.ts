import type { KubeObject } from '#kube/api/types.ts';
import type { WriteOptions } from '#kube/client/client.ts';
import { CliError } from './errors.ts';
import { formatObject, nameOf, OBJECT_FORMATS, readOutput } from './output.ts';
import type { Invocation } from './verb.ts';

export type DryRun = 'none' | 'client' | 'server';

export function dryRunOf(k: Invocation): DryRun {
  const value = k.flags.get('dry-run') || 'none';
  if (value === 'none' || value === 'client' || value === 'server') return value;
  if (value === 'unchanged') return 'client';
  throw new CliError(`Invalid dry-run value (${value}). Must be "none", "server", or "client".`);
}

export const DRY_RUN_WORDS: Record<DryRun, string> = { none: '', client: ' (dry run)', server: ' (server dry run)' };

/** What every write carries. */
export function writeOptions(k: Invocation, manager: string): WriteOptions {
  const validate = k.flags.get('validate');
  const level =
    validate === ''
      ? undefined
      : /^(ignore|false)$/.test(validate)
        ? 'Ignore'
        : validate === 'warn'
          ? 'Warn'
          : 'Strict';
  return {
    fieldManager: k.flags.get('field-manager') || manager,
    ...(dryRunOf(k) === 'server' ? { dryRun: true } : {}),
    ...(level ? { fieldValidation: level } : {}),
  };
}

/**
 * Says what was done to an object (`deployment.apps/web scaled`), or prints the object when -o asks for it. `made` is
 * true for objects that kubectl built itself: they keep the order of their fields in JSON.
 */
export async function printChanged(k: Invocation, object: KubeObject, operation: string, made = false): Promise<void> {
  const output = readOutput(k, OBJECT_FORMATS);
  if (output.format === '') await k.out(`${nameOf(object)} ${operation}${DRY_RUN_WORDS[dryRunOf(k)]}\n`);
  else await k.out(await formatObject(k, output, object, made && dryRunOf(k) === 'client'));
}

/** Refuses a bad -o before anything is changed. */
export const checkOutput = (k: Invocation): void => void readOutput(k, OBJECT_FORMATS);
