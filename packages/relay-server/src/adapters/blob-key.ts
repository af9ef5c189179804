import { RelayError } from '../relay-error.ts';

const shape = /^[a-z0-9/-]{1,200}$/;

/**
 * Refuses what is not the key of a blob, before it comes near a path.
 * @throws {RelayError} `request-malformed`
 */
export function checkBlobKey(key: string): void {
  if (shape.test(key)) return;
  throw new RelayError('request-malformed', 'a blob key has 1 to 200 of the characters a-z 0-9 / -');
}
