import { z } from 'zod';

/** A condition on a number, as parameters write it. At least one bound. */
export const comparison = z
  .strictObject({
    equals: z.number().optional().describe('Exactly this.'),
    atLeast: z.number().optional().describe('This or more.'),
    atMost: z.number().optional().describe('This or less.'),
    above: z.number().optional().describe('More than this.'),
    below: z.number().optional().describe('Less than this.'),
  })
  .refine((bounds) => Object.keys(bounds).length > 0, 'write at least one of equals, atLeast, atMost, above, below');
export type Comparison = z.infer<typeof comparison>;

/** What is wrong with a number, in words: `at least 3 is asked for`; undefined when it is as asked. */
export function notAsAsked(value: number, bounds: Comparison): string | undefined {
  const { equals, atLeast, atMost, above, below } = bounds;
  if (equals !== undefined && value !== equals) return `${equals} is asked for`;
  if (atLeast !== undefined && value < atLeast) return `at least ${atLeast} is asked for`;
  if (atMost !== undefined && value > atMost) return `at most ${atMost} is asked for`;
  if (above !== undefined && value <= above) return `more than ${above} is asked for`;
  if (below !== undefined && value >= below) return `less than ${below} is asked for`;
  return undefined;
}
