import { z } from 'zod';

/** A regular expression as a parameter writes it. */
export const pattern = z.string().superRefine((text, context) => {
  try {
    new RegExp(text, 'm');
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is no regular expression: ${(error as Error).message}` });
  }
});

/** What a text must and must not hold. */
export const TEXT_PARAMS = {
  contains: z.array(z.string().min(1)).default([]).describe('Texts that must all be in it.'),
  lacks: z.array(z.string().min(1)).default([]).describe('Texts that must not be in it.'),
  matches: pattern.optional().describe('A regular expression that must match somewhere; ^ and $ mean a line.'),
  otherwise: z.string().optional().describe('What is said when it is not as asked. Give no answer away.'),
};

interface Wanted {
  contains: string[];
  lacks: string[];
  matches?: string | undefined;
}

/** What a text holds that it must not, or lacks; undefined when it is as asked. */
export function problemIn(text: string, { contains, lacks, matches }: Wanted): string | undefined {
  const missing = contains.find((part) => !text.includes(part));
  if (missing !== undefined) return `lacks “${missing}”`;
  const extra = lacks.find((part) => text.includes(part));
  if (extra !== undefined) return `holds “${extra}”`;
  if (matches !== undefined && !new RegExp(matches, 'm').test(text)) return 'is not as asked for';
  return undefined;
}

const MOST_SHOWN = 2_000;
export const shortened = (text: string): string => (text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text);
