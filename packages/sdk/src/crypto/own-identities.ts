import type { IdentityKeyPair } from '#libsignal';
import type { AccountRecord, FormerIdentity } from '../ports/account-record.ts';
import { ownIdentity, parsedIdentity } from './libsignal-stores.ts';

/** How long a former identity key pair is kept, in ms: mail that was made for it waits for 30 days. */
export const formerIdentityFor = 31 * 86_400_000;
const mostFormer = 8;

/** The former identity key pairs that are still to be kept, newest first. */
export function keptIdentities(former: readonly FormerIdentity[], now: number): readonly FormerIdentity[] {
  return former.filter(({ replacedAt }) => now < replacedAt + formerIdentityFor).slice(0, mostFormer);
}

/** The account under another identity key: the one before joins the former ones. */
export function underIdentity(account: AccountRecord, identityKeyPair: Uint8Array, now: number): AccountRecord {
  const { identityKeyPair: former, formerIdentities } = account;
  const all = [{ identityKeyPair: former, replacedAt: now }, ...formerIdentities];
  return { ...account, identityKeyPair, formerIdentities: keptIdentities(all, now) };
}

/** The key pairs that what comes may have been made for: the account's, then the former ones, newest first. */
export function ownIdentities(account: AccountRecord, now: number): readonly [IdentityKeyPair, ...IdentityKeyPair[]] {
  const former = keptIdentities(account.formerIdentities, now);
  return [ownIdentity(account), ...former.map(({ identityKeyPair }) => parsedIdentity(identityKeyPair))];
}
