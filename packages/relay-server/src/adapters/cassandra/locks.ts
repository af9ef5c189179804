import type { LockAttempt, LockRefusal } from '../../ports/registration-lock.ts';
import { lockVerdict } from '../lock-verdict.ts';
import type { Heard } from './heard.ts';
import type { UserRow } from './user-row.ts';
import type { Users } from './users.ts';

/** Judges an attempt at the account that has a number, and keeps the try in its row; the refusal, if it stays closed. `outrun`: the account has changed, and no try was counted. */
export async function tryLock(
  { users, heard }: { readonly users: Users; readonly heard: Heard },
  row: UserRow | undefined,
  attempt: LockAttempt,
): Promise<LockRefusal | 'outrun' | undefined> {
  if (row?.lock === undefined) return undefined;
  const heardAt = Math.max(await heard.at(row.userId), row.createdAt);
  const verdict = lockVerdict(row.lock, heardAt, attempt);
  if (verdict.status === 'open') return undefined;
  const { refusal, next } = verdict;
  if (next === undefined) return refusal;
  const isKept = await users.change(row, { lock_tries: next.tries, lock_wait_until: next.waitUntil });
  return isKept ? refusal : 'outrun';
}
