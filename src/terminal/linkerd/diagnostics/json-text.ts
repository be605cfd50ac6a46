// Newer than the language level that is compiled for.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** JSON in which numbers of 64 bits keep all their digits. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? rawJSON(String(each)) : each), 2);
