import {
  RecipientStatus,
  type SealedMultiSend,
  type SealedSendFields,
  type SealedSends,
  type SendRecipientFields,
  type SendResultFields,
  uuidToText,
} from '@sotto/proto';
import type { Directory } from '../accounts/directory.ts';
import type { Limits } from '../limits/limits.ts';
import { envelopeBytes } from '../mailbox/envelope-bytes.ts';
import type { Envelopes, MailTimes } from '../mailbox/envelopes.ts';
import type { Ingress, PreparedAppend } from '../mailbox/ingress.ts';
import { checkRecipient } from '../mailbox/recipient-check.ts';
import { type CheckedRecipient, isAccepted, type Refusal, refusedResult, sendResult } from '../mailbox/send-result.ts';
import type { RelayCounts } from '../metrics/relay-counts.ts';
import type { UserId } from '../ports/ids.ts';
import type { MailOrder, MailReceipt } from '../ports/mailbox.ts';
import { RelayError } from '../relay-error.ts';
import { admittedBy, sealedRefused } from './access-check.ts';
import { envelopesOfShared, namedRecipients, takeApart } from './multi-recipient.ts';
import { flawOfSealedMultiSend, flawOfSealedSends } from './sealed-shape.ts';

const nothing = new Uint8Array();
/** How many recipients of a message to many count as one send of its address. */
const recipientsAtOnce = 16;
const { RECIPIENT_STATUS_ACCEPTED, RECIPIENT_STATUS_SEALED_REFUSED } = RecipientStatus;
const superseded: Refusal = {
  code: 'superseded',
  message: 'An earlier send of this request was not accepted: settle it, then send this one again.',
  retryable: true,
};

/** Of whom nothing is told. */
const unlisted = { list: undefined, status: RECIPIENT_STATUS_SEALED_REFUSED, stranger: false, retryAfterMs: 0 };

/** What `SealedIngress` works with. */
export interface SealedIngressParts {
  readonly ingress: Ingress;
  readonly directory: Directory;
  readonly limits: Limits;
  readonly counts: RelayCounts;
}

/** Brings sealed sends into mailboxes: whoever shows an account's access key may write to it, and nothing is known of who that is. */
export class SealedIngress {
  readonly #parts: SealedIngressParts;

  constructor(parts: SealedIngressParts) {
    this.#parts = parts;
  }

  /**
   * Takes sends to one account, in their order: after one that was not accepted the later ones are superseded.
   * @param network what the client is counted by; the first send was counted already
   * @throws {RelayError} `request-malformed`, `sealed-refused`
   */
  async take(request: SealedSends, network: string | undefined): Promise<readonly SendResultFields[]> {
    const flaw = flawOfSealedSends(request);
    if (flaw !== undefined) throw new RelayError('request-malformed', flaw);
    const { userId: userBytes, accessKey, sends } = request;
    const userId = uuidToText(userBytes) as UserId;
    const hash = await admittedBy(this.#parts.directory, userId, accessKey);
    if (hash === undefined) throw this.#refused();
    const order: MailOrder = { broken: false };
    const results: Promise<SendResultFields>[] = [];
    let broken = false;
    for (const [at, send] of sends.entries()) {
      if (broken) {
        results.push(this.#supersede({ userId, userBytes, ...unlisted }, send));
        continue;
      }
      const limit = await this.#limitOf(at === 0 ? undefined : network, hash);
      if (limit !== undefined) {
        broken = true;
        results.push(Promise.resolve(refusedResult(send.sendId ?? nothing, limit)));
        continue;
      }
      const checked = await this.#checked(userId, userBytes, send);
      // An account that has ended since its key was looked at is refused as if it had been before.
      if (checked.status === RECIPIENT_STATUS_SEALED_REFUSED) throw this.#refused();
      const append = this.#prepare(send, checked);
      await this.#parts.ingress.refreshRooms(append);
      const result = this.#deliver(send.sendId ?? nothing, [checked], append, order);
      results.push(result);
      // What surely has room is not waited for; where it may be refused, nothing may be stored behind it.
      if (checked.status !== RECIPIENT_STATUS_ACCEPTED || !this.#parts.ingress.isSure(append)) {
        broken = !isAccepted(await result);
      }
    }
    return this.#counted(await Promise.all(results));
  }

  /**
   * Takes one message to many accounts.
   * @param network what the client is counted by, for each `recipientsAtOnce` once; the first time was counted already
   * @throws {RelayError} `request-malformed`; `rate-limited`; `sealed-refused` when no access key was right
   */
  async takeMulti(send: SealedMultiSend, network: string | undefined): Promise<SendResultFields> {
    const flaw = flawOfSealedMultiSend(send);
    if (flaw !== undefined) throw new RelayError('request-malformed', flaw);
    // Each is read and looked up, whoever asks: whoever has no key at all must not have that done for nothing.
    const count = Math.max(send.recipients.length, namedRecipients(send.message));
    await this.#parts.limits.takeSealedFrom(network, Math.ceil(count / recipientsAtOnce) - 1);
    const { recipients: named, shared } = takeApart(send.message);
    const recipients = send.recipients.map((recipient): SendRecipientFields => {
      const devices = named.get(uuidToText(recipient.userId ?? nothing) as UserId);
      return { ...recipient, devices: [...(devices ?? [])] };
    });
    const users = new Set(send.recipients.map(({ userId }) => uuidToText(userId ?? nothing)));
    if (users.size !== recipients.length || users.size !== named.size || recipients.some(lacksDevices)) {
      throw new RelayError('request-malformed', 'recipients has to have each account that the message names, once.');
    }
    const checked = await Promise.all(recipients.map((recipient) => this.#admitted(recipient)));
    if (checked.every(({ status }) => status === RECIPIENT_STATUS_SEALED_REFUSED)) throw this.#refused();
    const { suite, attempt, urgent, ttlSeconds, sendId } = send;
    const append = this.#parts.ingress.prepareWith({ recipients, ttlSeconds }, checked, (times) =>
      envelopesOfShared(shared, { suite, attempt, urgent }, times),
    );
    await this.#parts.ingress.refreshRooms(append);
    const [result = refusedResult(sendId, superseded)] = this.#counted([
      await this.#deliver(sendId, checked, append, undefined),
    ]);
    return result;
  }

  /** One recipient of many: whoever is over the limit, or is not let in, does not stand in the way of the others. */
  async #admitted(recipient: SendRecipientFields): Promise<CheckedRecipient> {
    const userBytes = recipient.userId ?? nothing;
    const userId = uuidToText(userBytes) as UserId;
    const hash = await admittedBy(this.#parts.directory, userId, recipient.accessKey ?? nothing);
    const refused = { userId, userBytes, ...unlisted };
    if (hash === undefined) return refused;
    const limit = await this.#limitOf(undefined, hash);
    if (limit === undefined) return this.#checked(userId, userBytes, recipient);
    const { retryAfterMs = 0 } = limit;
    return { ...refused, status: RecipientStatus.RECIPIENT_STATUS_RATE_LIMITED, retryAfterMs };
  }

  async #checked(
    userId: UserId,
    userBytes: Uint8Array,
    recipient: Pick<SendRecipientFields, 'devices' | 'deviceListVersion'>,
  ): Promise<CheckedRecipient> {
    const list = await this.#parts.directory.deviceList(userId);
    if (list === undefined) return { userId, userBytes, ...unlisted };
    const status = checkRecipient(userId, recipient, list, undefined);
    return { userId, userBytes, list, status, stranger: false, retryAfterMs: 0 };
  }

  #prepare(send: SealedSendFields, checked: CheckedRecipient): PreparedAppend {
    const { suite, attempt, urgent, ttlSeconds, devices } = send;
    const recipients = [{ devices: devices ?? [] }];
    return this.#parts.ingress.prepareWith({ recipients, ttlSeconds: ttlSeconds ?? 0 }, [checked], (times) =>
      sealedEnvelopes({ suite: suite ?? 0, attempt: attempt ?? 0, urgent: urgent ?? false }, times),
    );
  }

  /** What was accepted once stays accepted, whatever list, limit or order say now. */
  async #deliver(
    sendId: Uint8Array,
    checked: readonly CheckedRecipient[],
    append: PreparedAppend,
    order: MailOrder | undefined,
  ): Promise<SendResultFields> {
    const { ingress } = this.#parts;
    try {
      const isWhole = checked.every(({ status }) => status === RECIPIENT_STATUS_ACCEPTED);
      const recorded = isWhole ? undefined : await ingress.recorded(sendId, undefined);
      const fresh = append.recipients.length === 0 ? undefined : await ingress.append(sendId, undefined, append, order);
      return sendResult(sendId, checked, bothOf(recorded, fresh));
    } catch (error) {
      return refusedResult(sendId, refusalOf(error));
    }
  }

  async #supersede(recipient: CheckedRecipient, { sendId }: SealedSendFields): Promise<SendResultFields> {
    const id = sendId ?? nothing;
    try {
      const recorded = await this.#parts.ingress.recorded(id, undefined);
      return recorded === undefined ? refusedResult(id, superseded) : sendResult(id, [recipient], recorded);
    } catch (error) {
      return refusedResult(id, refusalOf(error));
    }
  }

  async #limitOf(network: string | undefined, hash: Uint8Array): Promise<Refusal | undefined> {
    try {
      await this.#parts.limits.takeSealedFrom(network);
      await this.#parts.limits.takeSealedUnder(hash);
      return undefined;
    } catch (error) {
      if (error instanceof RelayError && error.code === 'rate-limited') return error;
      throw error;
    }
  }

  #refused(): RelayError {
    this.#parts.counts.sealedRefused.add(1);
    return sealedRefused();
  }

  #counted(results: readonly SendResultFields[]): readonly SendResultFields[] {
    const { sealedAccepted, sealedIncomplete } = this.#parts.counts;
    for (const result of results) (isAccepted(result) ? sealedAccepted : sealedIncomplete).add(1);
    return results;
  }
}

function sealedEnvelopes(
  send: { readonly suite: number; readonly attempt: number; readonly urgent: boolean },
  times: MailTimes,
): Envelopes {
  const nobody = { messageId: nothing, senderUser: nothing, senderDevice: 0 };
  return { shared: undefined, of: (target) => envelopeBytes({ ...send, ...times, ...nobody, ...target }) };
}

function lacksDevices({ devices }: SendRecipientFields): boolean {
  return devices === null || devices === undefined || devices.length === 0;
}

function bothOf(recorded: MailReceipt | undefined, fresh: MailReceipt | undefined): MailReceipt | undefined {
  const times = recorded ?? fresh;
  return times && { ...times, results: [...(fresh?.results ?? []), ...(recorded?.results ?? [])] };
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof RelayError) return error;
  return {
    code: 'internal',
    message: 'Something went wrong in the relay: send the same again later.',
    retryable: true,
  };
}
