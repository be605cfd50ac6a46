import { parse, parseAllDocuments } from 'yaml';
import { StatusError } from '#kube/api/status.ts';
import { defaultValues } from '#mesh/install/default-values.ts';
import { merged } from '#mesh/install/overrides.ts';
import type { Values } from '#mesh/install/values.ts';
import { readText } from './read-text.ts';
import { Failure, type Invocation } from './verb.ts';

const NAME = 'linkerd-config-overrides';

/**
 * The values of the installation, keys included, from the cluster or from rendered manifests; undefined when it was not made
 * by the CLI.
 */
export async function storedValues(invocation: Invocation, manifests?: string): Promise<Values | undefined> {
  const { client, controlPlane } = invocation;
  let encoded: string | undefined;
  if (manifests !== undefined) {
    const text = await readText(invocation, manifests).catch(() => {
      throw new Failure(`failed to parse manifests from ${manifests}: stat ${manifests}: no such file or directory`);
    });
    const documents = parseAllDocuments(text).map((each) => each.toJS());
    const secret = documents.find((each) => each?.kind === 'Secret' && each.metadata?.name === NAME);
    encoded = secret?.data?.[NAME];
  } else {
    try {
      const secrets = { group: '', version: 'v1', resource: 'secrets', namespace: controlPlane };
      const secret = await client.get(secrets, NAME);
      encoded = secret.data?.[NAME];
      if (encoded === undefined) throw new Error(`secret/${NAME} is missing ${NAME} data`);
    } catch (error) {
      if (!(error instanceof StatusError) || error.code !== 404) throw error;
    }
  }
  return encoded === undefined
    ? undefined
    : merged(defaultValues(), parse(Buffer.from(encoded, 'base64').toString()) ?? {});
}
