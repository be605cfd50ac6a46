import type { KubeObject } from '#kube/api/types.ts';
import { ageOf } from '../age.ts';
import { tabbed } from '../tab-writer.ts';

/** Lines of a description: `\t` ends a cell, an indent step is two spaces. */
export class Writer {
  #done = '';
  #text = '';
  line(level: number, text: string): void {
    this.#text += `${'  '.repeat(level)}${text}\n`;
  }
  raw(text: string): void {
    this.#text += text;
  }
  /** Ends the columns: what follows is aligned on its own. */
  flush(): void {
    this.#done += tabbed(this.#text);
    this.#text = '';
  }
  /** The lines with their tabs. */
  unaligned(): string {
    return this.#text;
  }
  toString(): string {
    return this.#done + tabbed(this.#text);
  }
}

/** `Labels:` and kin: one pair a line, the first beside the title, sorted. */
export function mapLines(w: Writer, level: number, title: string, map: Record<string, string> | undefined): void {
  const entries = Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) {
    w.line(level, `${title}:\t<none>`);
    return;
  }
  entries.forEach(([key, value], i) => {
    w.line(i === 0 ? level : 0, `${i === 0 ? `${title}:` : ''}\t${key}=${value}`);
  });
}

const SKIPPED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Annotations: long or many-lined values go below their key. */
export function annotationLines(w: Writer, level: number, annotations: Record<string, string> | undefined): void {
  const entries = Object.entries(annotations ?? {})
    .filter(([key]) => key !== SKIPPED)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) {
    w.line(level, 'Annotations:\t<none>');
    return;
  }
  entries.forEach(([key, raw], i) => {
    const lead = i === 0 ? 'Annotations:\t' : '\t';
    const value = raw.replace(/\n$/, '');
    const at = i === 0 ? level : 0;
    if (value.length + key.length + 2 < 140 && !value.includes('\n')) w.line(at, `${lead}${key}: ${value}`);
    else {
      w.line(at, `${lead}${key}:`);
      for (const part of value.split('\n'))
        w.line(level, `\t  ${part.length > 140 ? `${part.slice(0, 137)}...` : part}`);
    }
  });
}

/** Name, namespace, labels and annotations, as most descriptions begin. */
export function header(w: Writer, { metadata }: KubeObject): void {
  w.line(0, `Name:\t${metadata.name}`);
  if (metadata.namespace) w.line(0, `Namespace:\t${metadata.namespace}`);
}

export function labelsAndAnnotations(w: Writer, { metadata }: KubeObject): void {
  mapLines(w, 0, 'Labels', metadata.labels);
  annotationLines(w, 0, metadata.annotations);
}

/** Events of an object, newest last, as `Events:` shows them. */
export function eventLines(w: Writer, events: KubeObject[], now: number): void {
  if (events.length === 0) {
    w.line(0, 'Events:\t<none>');
    return;
  }
  w.flush();
  w.line(0, 'Events:');
  w.line(1, 'Type\tReason\tAge\tFrom\tMessage');
  w.line(1, '----\t------\t----\t----\t-------');
  for (const event of events) {
    const from = event['source']?.component || event['reportingComponent'] || '';
    const path = event['involvedObject']?.fieldPath;
    const where = path ? `${path}: ` : '';
    w.line(
      1,
      `${event['type']}\t${event['reason']}\t${eventAge(event, now)}\t${from}\t${where}${(event['message'] ?? '').trim()}`,
    );
  }
}

/** `4s (x3 over 20s)` for what happened several times. */
export function eventAge(event: KubeObject, now: number): string {
  const first = ageOf(event['eventTime'] ?? event['firstTimestamp'], now);
  if (event['series'])
    return `${ageOf(event['series'].lastObservedTime, now)} (x${event['series'].count} over ${first})`;
  return event['count'] > 1 ? `${ageOf(event['lastTimestamp'], now)} (x${event['count']} over ${first})` : first;
}
