import { createHash } from 'node:crypto';

/** What is left of the id of an account that has ended: enough to never give it out again, and nothing that leads back to it. */
export function digestOfEndedUser(userId: Uint8Array): Buffer {
  return createHash('sha256').update('sotto ended user v1').update(userId).digest();
}
