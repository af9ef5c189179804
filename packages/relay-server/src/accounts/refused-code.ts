import type { VerificationAttempt } from '../ports/verification-store.ts';
import { RelayError } from '../relay-error.ts';

/** Why a code was not taken, and what to do. */
export function refusedCode(attempt: Exclude<VerificationAttempt, { status: 'right' }>): RelayError {
  switch (attempt.status) {
    case 'wrong':
      return new RelayError('code-wrong', 'The code is wrong: try again while tries are left.', {
        attemptsLeft: attempt.attemptsLeft,
      });
    case 'void':
      return new RelayError('code-void', 'This code works no more: ask for a new one.');
    case 'expired':
      return new RelayError('code-expired', 'This code came too late: ask for a new one.');
    case 'used':
      return new RelayError('code-used', 'This code was used for another registration: ask for a new one.');
    case 'unknown':
      return new RelayError('verification-unknown', 'No such verification: ask for a new code.');
  }
}
