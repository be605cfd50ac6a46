import { AcademyError } from '#base/errors.ts';
import type { AnswerDefinition } from '#schema/lab.ts';

/** What the learner is told of an answer. Never says what would have been right. */
export interface Graded {
  correct: boolean;
  say: string;
}

/** The lab's questions and what the learner answered to them, the last answer to each. */
export class Answers {
  readonly #definitions: ReadonlyMap<string, AnswerDefinition>;
  readonly #given = new Map<string, string>();

  constructor(definitions: readonly AnswerDefinition[], saved: Record<string, string> = {}) {
    this.#definitions = new Map(definitions.map((definition) => [definition.id, definition]));
    for (const [id, value] of Object.entries(saved)) if (this.#definitions.has(id)) this.#given.set(id, value);
  }

  definition(id: string): AnswerDefinition | undefined {
    return this.#definitions.get(id);
  }

  /** What was answered, and whether it is right; undefined when nothing was. */
  given(id: string): (Graded & { value: string }) | undefined {
    const value = this.#given.get(id);
    const definition = this.#definitions.get(id);
    return value === undefined || !definition ? undefined : { value, ...grade(definition, value) };
  }

  /** Throws `request/invalid` when the lab asks no such question. */
  submit(id: string, value: string): Graded {
    const definition = this.#definitions.get(id);
    if (!definition) throw new AcademyError('request/invalid', 'This lab asks no such question.');
    this.#given.set(id, value);
    return grade(definition, value);
  }

  save(): Record<string, string> {
    return Object.fromEntries(this.#given);
  }
}

/** Judges an answer: by the pattern, by number within the tolerance, or by its words. */
export function grade(definition: AnswerDefinition, value: string): Graded {
  const { right, pattern, tolerance = 0, say = 'So it is.', wrong } = definition;
  const given = plain(value);
  const accepted = right === undefined ? [] : Array.isArray(right) ? right : [right];
  const correct =
    given !== '' &&
    ((pattern !== undefined && new RegExp(`^(?:${pattern})$`, 'iu').test(given)) ||
      accepted.some((one) =>
        typeof one === 'number'
          ? Number.isFinite(Number(given)) && Math.abs(Number(given) - one) <= tolerance
          : plain(one) === given,
      ));
  if (correct) return { correct, say };
  const expected = wrong.find((one) => plain(one.is) === given);
  return { correct, say: expected?.say ?? 'That is not it.' };
}

/** Case, outer spaces, runs of spaces, quotes and a full stop at the end make no other answer. */
const plain = (text: string): string =>
  text
    .trim()
    .replace(/^["'`“‘]+|["'`”’.]+$/g, '')
    .trim()
    .replace(/\s+/g, ' ')
    .toLowerCase();
