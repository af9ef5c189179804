import type { DeviceAddress } from '../../ports/ids.ts';
import type { MailDevice } from '../../ports/mailbox.ts';
import type { RotationOutcome, Session, TokenRotation, TokenStore } from '../../ports/token-store.ts';
import { RelayError } from '../../relay-error.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { Cleaner } from './cleaner.ts';
import type { EndedTokens } from './ended-tokens.ts';
import type { Heard } from './heard.ts';
import type { TokenFamilies, TokenHolder } from './token-families.ts';
import type { Turns } from './turns.ts';
import { untilDone } from './until-done.ts';
import type { UserRow } from './user-row.ts';
import type { Users } from './users.ts';

/** What the store of tokens works on. */
export interface TokenStoreParts {
  readonly turns: Turns;
  readonly users: Users;
  readonly heard: Heard;
  readonly families: TokenFamilies;
  readonly accessTokens: AccessTokens;
  readonly endedTokens: EndedTokens;
  readonly cleaner: Cleaner;
}

/**
 * Token hashes in Cassandra.
 *
 * A token counts only for the incarnation of its device that the account's row names, and while that incarnation's family (the truth, see {@link TokenFamilies}) has not ended: so all tokens of a device end by one write, its own or its account's.
 * A session costs two round trips. A crash within `rotate` leaves the old family, or the new one without the new access token, which the repeated pair then gives.
 */
export class CassandraTokenStore implements TokenStore {
  readonly #parts: TokenStoreParts;

  constructor(parts: TokenStoreParts) {
    this.#parts = parts;
  }

  async grant(device: DeviceAddress, access: Uint8Array, expiresAt: number): Promise<void> {
    const { users, families, accessTokens } = this.#parts;
    const entry = (await users.find(device.userId))?.devices.get(device.deviceId);
    if (entry === undefined) return;
    const { incarnation } = entry;
    if ((await families.find(incarnation))?.current === undefined) return;
    await accessTokens.grant({ device, incarnation }, access, expiresAt);
  }

  async session(access: Uint8Array, now: number): Promise<Session | undefined> {
    const { users, families, accessTokens } = this.#parts;
    const token = await accessTokens.find(access);
    if (token === undefined || now >= token.expiresAt) return undefined;
    const [row, family] = await Promise.all([users.find(token.device.userId), families.find(token.incarnation)]);
    if (!isListed(row, token) || family?.current === undefined) return undefined;
    return token;
  }

  rotate(rotation: TokenRotation): Promise<RotationOutcome> {
    const key = `token ${Buffer.from(rotation.refresh).toString('hex')}`;
    return this.#parts.turns.take([key], () => untilDone(() => this.#rotate(rotation)));
  }

  async hasSession({ userId, deviceId, incarnation }: MailDevice): Promise<boolean> {
    const { users, families } = this.#parts;
    const [row, known] = await Promise.all([
      users.find(userId),
      incarnation === undefined ? undefined : families.find(incarnation),
    ]);
    const listed = row?.state === 'live' ? row.devices.get(deviceId)?.incarnation : undefined;
    if (listed === undefined || (incarnation !== undefined && incarnation !== listed)) return false;
    return (known ?? (await families.find(listed)))?.current !== undefined;
  }

  async revoke({ userId, deviceId }: DeviceAddress): Promise<void> {
    const { users, families } = this.#parts;
    const entry = (await users.find(userId))?.devices.get(deviceId);
    if (entry !== undefined) await families.end(entry.incarnation);
  }

  /** Carries out what is to be cleaned up as well, of accounts and devices. */
  async sweep(now: number): Promise<number> {
    const { accessTokens, endedTokens, families, cleaner } = this.#parts;
    await families.forgetBefore(now);
    await endedTokens.sweep(now);
    const swept = await accessTokens.sweep(now);
    await cleaner.sweep(now);
    return swept;
  }

  async #rotate({ refresh, next, access, accessExpiresAt, now }: TokenRotation): Promise<RotationOutcome | 'outrun'> {
    const { users, heard, families, accessTokens, endedTokens } = this.#parts;
    for (const holder of await families.holders(refresh)) {
      const { device, incarnation } = holder;
      const [row, family] = await Promise.all([users.look(device.userId), families.find(incarnation, refresh)]);
      if (family?.current === undefined) continue;
      const { current, successor } = family;
      const isCurrent = same(current, refresh);
      if (!isListed(row, holder)) {
        const reason = row?.state === 'ended' ? row.endReason : row?.former.get(incarnation)?.reason;
        if (isCurrent && reason !== undefined) return { status: 'ended', reason };
        continue;
      }
      if (isCurrent) {
        if (same(refresh, next)) return { status: 'unknown' };
        if (await isKnownToken(this.#parts, next)) {
          // By this very pair, perhaps, that another node has carried out meanwhile.
          const now = (await families.find(incarnation))?.current;
          return now !== undefined && same(now, refresh) ? { status: 'unknown' } : 'outrun';
        }
        // Before the step that it belongs to: to have been heard of without it harms nothing.
        await heard.note(device.userId, now);
        if (!(await families.replace(holder, refresh, next, now))) return 'outrun';
        await accessTokens.grant(holder, access, accessExpiresAt);
        return { status: 'rotated', device };
      }
      if (successor === undefined) continue;
      if (!same(successor, next)) {
        await families.end(incarnation);
        return { status: 'reused', device };
      }
      // A pair of long ago opens nothing: an old backup holds both of its tokens.
      if (!same(current, next)) return { status: 'unknown' };
      await accessTokens.grant(holder, access, accessExpiresAt);
      return { status: 'repeated', device };
    }
    const reason = await endedTokens.reason(refresh);
    return reason === undefined ? { status: 'unknown' } : { status: 'ended', reason };
  }
}

/** A registration may not bring a refresh token that the relay has seen. */
export function usedToken(): RelayError {
  return new RelayError('request-malformed', 'this refresh token has been used before: make a new random one');
}

/** Whether a device has this refresh token, or had it and it is not forgotten. */
export async function isKnownToken(
  { users, families }: Pick<TokenStoreParts, 'users' | 'families'>,
  refresh: Uint8Array,
): Promise<boolean> {
  for (const holder of await families.holders(refresh)) {
    const [row, family] = await Promise.all([
      users.find(holder.device.userId),
      families.find(holder.incarnation, refresh),
    ]);
    if (!isListed(row, holder) || family?.current === undefined) continue;
    if (same(family.current, refresh) || family.successor !== undefined) return true;
  }
  return false;
}

function isListed(row: UserRow | undefined, { device, incarnation }: TokenHolder): boolean {
  return row?.state === 'live' && row.devices.get(device.deviceId)?.incarnation === incarnation;
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
