import { toBase64Url } from '@sotto/proto';
import type { DeviceReach } from '../dispatch/device-reach.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import type { MailDevice } from '../ports/mailbox.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { TicketStore } from '../ports/ticket-store.ts';
import type { TokenEnd, TokenStore } from '../ports/token-store.ts';
import { RelayError } from '../relay-error.ts';
import { invalidToken } from './bearer.ts';
import { hashOfToken, readToken, tokenBytes } from './token.ts';

/** What `Sessions` works with. */
export interface SessionParts {
  readonly tokens: TokenStore;
  readonly tickets: TicketStore;
  readonly reach: Pick<DeviceReach, 'end'>;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly accessTtlMs: number;
  readonly ticketTtlMs: number;
}

/** A fresh secret for a client, and how long it works. */
export interface IssuedToken {
  readonly token: string;
  readonly expiresInMs: number;
}

/** Makes and checks the tokens of devices. Stores see hashes only. */
export class Sessions {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /**
   * The device that an access token stands for; where the store knows it, with its incarnation: what it is given from now on is not another's that has its address by then.
   * @throws {RelayError} `token-invalid`
   */
  async ofAccessToken(token: Uint8Array): Promise<MailDevice> {
    const { tokens, clock } = this.#parts;
    const session = await tokens.session(hashOfToken(token), clock.now());
    if (session === undefined) throw invalidToken();
    const { device, incarnation } = session;
    return incarnation === undefined ? device : { ...device, incarnation };
  }

  /**
   * The device that a stream ticket stands for; the ticket is used up.
   * @throws {RelayError} `token-invalid`
   */
  async ofTicket(text: string): Promise<MailDevice> {
    const { tickets, clock } = this.#parts;
    const ticket = readToken(text);
    const device = ticket === undefined ? undefined : await tickets.redeem(hashOfToken(ticket), clock.now());
    if (device === undefined) throw invalidToken();
    return device;
  }

  /** A new access token for a device that has just registered. */
  async grant(device: DeviceAddress): Promise<IssuedToken> {
    const { tokens, clock, randomness, accessTtlMs } = this.#parts;
    const access = randomness.bytes(tokenBytes);
    await tokens.grant(device, hashOfToken(access), clock.now() + accessTtlMs);
    return { token: toBase64Url(access), expiresInMs: accessTtlMs };
  }

  /**
   * Goes one step along the refresh chain; the same step again is success.
   * @throws {RelayError} `token-invalid`; `token-reused` when a replaced token came back with another successor; `device-revoked`, `account-replaced`, `account-deleted` when it was the current one of a device that is gone
   */
  async refresh(refreshToken: Uint8Array, nextRefreshToken: Uint8Array): Promise<IssuedToken> {
    const { tokens, clock, randomness, accessTtlMs } = this.#parts;
    const access = randomness.bytes(tokenBytes);
    const now = clock.now();
    const outcome = await tokens.rotate({
      refresh: hashOfToken(refreshToken),
      next: hashOfToken(nextRefreshToken),
      access: hashOfToken(access),
      accessExpiresAt: now + accessTtlMs,
      now,
    });
    if (outcome.status === 'unknown') throw invalidToken();
    if (outcome.status === 'ended') throw endedSession(outcome.reason);
    if (outcome.status === 'reused') {
      // Whoever streams as this device may be the thief.
      const { userId, deviceId } = outcome.device;
      this.#parts.reach.end(userId, { which: 'only', deviceIds: [deviceId] });
      await this.#parts.tickets.revoke(userId, deviceId);
      throw new RelayError(
        'token-reused',
        'This refresh token was replaced before: all tokens of the device have ended, register again.',
      );
    }
    return { token: toBase64Url(access), expiresInMs: accessTtlMs };
  }

  /**
   * A ticket with which a browser opens one stream, for the device of an access token.
   * @throws {RelayError} `token-invalid`: its session has ended meanwhile
   */
  async issueTicket(accessToken: Uint8Array): Promise<IssuedToken> {
    const { tickets, clock, randomness, ticketTtlMs } = this.#parts;
    const device = await this.ofAccessToken(accessToken);
    const ticket = randomness.bytes(tokenBytes);
    await tickets.put(hashOfToken(ticket), device, clock.now() + ticketTtlMs);
    try {
      // Whoever ends a session ends its tokens first, then its tickets: either they find this one, or it is found here.
      await this.ofAccessToken(accessToken);
    } catch (error) {
      await tickets.redeem(hashOfToken(ticket), clock.now());
      throw error;
    }
    return { token: toBase64Url(ticket), expiresInMs: ticketTtlMs };
  }
}

/** What a device that is gone is told. It has shown its last refresh token: nobody else learns what became of the account. */
function endedSession(reason: TokenEnd): RelayError {
  switch (reason) {
    case 'revoked':
      return new RelayError('device-revoked', 'This device was taken off the list of its account: link it again.');
    case 'replaced':
      return new RelayError(
        'account-replaced',
        'The number of this account was registered on another device: link this one to it, or register again.',
      );
    case 'deleted':
      return new RelayError('account-deleted', 'This account was deleted by its owner: register for another one.');
  }
}
