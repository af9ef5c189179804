import { demand } from '../option-rules.ts';

/**
 * Whether the user said yes: `true` alone does. `false` and `undefined` refuse.
 * @throws {SottoError} `argument-invalid`: what a program took from its user without looking at it, as a text, is neither
 */
export function isConfirmed(call: string, answer: unknown): boolean {
  demand(
    answer === undefined || typeof answer === 'boolean',
    `confirm of ${call} has to give true or false, and gave something else: compare what the user typed, as in (await ask('... (yes or no) ')) === 'yes'`,
  );
  return answer === true;
}
