import { createHash } from 'node:crypto';
import type { Image } from '#kube/images/program.ts';

export interface ResolvedImage {
  image: Image;
  /** As a container's status names it: with registry and tag. */
  reference: string;
  /** A digest that stays the same for the same reference. */
  id: string;
}

/** The images that the node has. There is no registry behind them: what is not here can't be pulled. */
export class ImageStore {
  readonly #images: Map<string, Image>;
  readonly #resolved = new Map<string, ResolvedImage>();

  constructor(images: readonly Image[]) {
    this.#images = new Map(images.map((image) => [image.repository, image]));
  }

  resolve(reference: string): ResolvedImage | undefined {
    const known = this.#resolved.get(reference);
    if (known) return known;
    const { repository, tag } = splitReference(reference);
    const image = this.#images.get(repository);
    if (!image) return undefined;
    const full = `${withRegistry(repository)}:${tag}`;
    const made = { image, reference: full, id: `sha256:${createHash('sha256').update(full).digest('hex')}` };
    this.#resolved.set(reference, made);
    return made;
  }

  all(): Image[] {
    return [...this.#images.values()];
  }
}

/** `docker.io/library/nginx:1.29@sha256:…` is repository `nginx`, tag `1.29`. */
export function splitReference(reference: string): { repository: string; tag: string } {
  const [named = ''] = reference.split('@');
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const path = colon < 0 ? named : named.slice(0, colon);
  return {
    repository: path.replace(/^(index\.)?docker\.io\//, '').replace(/^library\//, ''),
    tag: colon < 0 ? 'latest' : named.slice(colon + 1),
  };
}

function withRegistry(repository: string): string {
  const [first = ''] = repository.split('/');
  if (repository.includes('/') && (/[.:]/.test(first) || first === 'localhost')) return repository;
  return repository.includes('/') ? `docker.io/${repository}` : `docker.io/library/${repository}`;
}

/** Whether a name could be an image reference at all. Source: distribution/reference. */
export const isReference = (reference: string): boolean =>
  /^[a-z0-9]+(([._:-]|__|-+|\/)[A-Za-z0-9_]+)*([:][\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/.test(reference);
