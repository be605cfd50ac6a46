import { readFileSync } from 'node:fs';

/**
 * What kinds and their fields are, in our own words: by the name of the schema, then by the field (empty: the kind itself;
 * with dots: fields within, as custom kinds have them). Read when it is asked for and not kept: `kubectl explain` asks rarely.
 */
export const wordsFor = (): Record<string, Record<string, string>> =>
  JSON.parse(readFileSync(new URL('./data/descriptions.json', import.meta.url), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
