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
import { envelopesOfShared, takeApart } from './multi-recipient.ts';
import { accountsOf, flawOfSealedMultiSends, flawOfSealedSends } from './sealed-shape.ts';

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

/** One message to many, taken apart. */
interface PartedSend {
  readonly send: SealedMultiSend;
  readonly recipients: SendRecipientFields[];
  /** How what all get ends. */
  readonly shared: Uint8Array;
}

/** What can be stored. */
interface ReadySend {
  readonly sendId: Uint8Array;
  readonly checked: readonly CheckedRecipient[];
  readonly append: PreparedAppend;
  /** Its receipt of earlier, where it is not for all of them now. */
  readonly recorded: MailReceipt | undefined;
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
        results.push(this.#supersede([{ userId, userBytes, ...unlisted }], send.sendId ?? nothing));
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
   * Takes messages to many accounts each, in their order: after one that was refused as a whole the later ones are superseded. A recipient who is not given one stands in nobody's way.
   * @param network what the client is counted by, for each `recipientsAtOnce` of each message once; the first time was counted already
   * @throws {RelayError} `request-malformed`; `rate-limited`; `sealed-refused` when no access key of the first one was right
   */
  async takeMulti(
    sends: readonly SealedMultiSend[],
    network: string | undefined,
  ): Promise<readonly SendResultFields[]> {
    const flaw = flawOfSealedMultiSends(sends);
    if (flaw !== undefined) throw new RelayError('request-malformed', flaw);
    const parted: PartedSend[] = [];
    let refusal: RelayError | undefined;
    for (const [at, send] of sends.entries()) {
      // Each account is read and looked up, whoever asks: whoever has no key at all must not have that done for nothing.
      refusal = await this.#limitOfMany(send, network, at === 0);
      if (refusal !== undefined) break;
      parted.push(partedOf(send));
    }
    const ready: ReadySend[] = [];
    for (const send of parted) {
      const one = await this.#readyOf(send);
      if (one === undefined) {
        refusal = this.#refused();
        break;
      }
      ready.push(one);
    }
    if (refusal !== undefined && ready.length === 0) throw refusal;
    // All in one turn: they become durable together.
    const order: MailOrder = { broken: false };
    const taken = ready.map((one, at) => this.#append(one, order, false, at === 0 ? undefined : 0));
    const left = sends.slice(ready.length).map(({ sendId }, at) => {
      return refusedResult(sendId, at === 0 && refusal !== undefined ? refusal : superseded);
    });
    return this.#counted([...(await Promise.all(taken)), ...left]);
  }

  async #limitOfMany(
    send: SealedMultiSend,
    network: string | undefined,
    first: boolean,
  ): Promise<RelayError | undefined> {
    const cost = Math.ceil(accountsOf(send) / recipientsAtOnce);
    return limitOf(() => this.#parts.limits.takeSealedFrom(network, first ? cost - 1 : cost));
  }

  /** Looks up whom one of many may be given to; `undefined` when no access key was right. */
  async #readyOf({ send, recipients, shared }: PartedSend): Promise<ReadySend | undefined> {
    const { ingress } = this.#parts;
    const checked = await Promise.all(recipients.map((recipient) => this.#admitted(recipient)));
    if (checked.every(({ status }) => status === RECIPIENT_STATUS_SEALED_REFUSED)) return undefined;
    const { suite, attempt, urgent, ttlSeconds, sendId } = send;
    const append = ingress.prepareWith({ recipients, ttlSeconds }, checked, (times) =>
      envelopesOfShared(shared, { suite, attempt, urgent }, times),
    );
    await ingress.refreshRooms(append);
    return { sendId, checked, append, recorded: await this.#recorded(sendId, checked) };
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

  async #deliver(
    sendId: Uint8Array,
    checked: readonly CheckedRecipient[],
    append: PreparedAppend,
    order: MailOrder,
  ): Promise<SendResultFields> {
    try {
      const recorded = await this.#recorded(sendId, checked);
      return await this.#append({ sendId, checked, append, recorded }, order, true);
    } catch (error) {
      return refusedResult(sendId, refusalOf(error));
    }
  }

  /** What was accepted once stays accepted, whatever list, limit or order say now. */
  async #recorded(sendId: Uint8Array, checked: readonly CheckedRecipient[]): Promise<MailReceipt | undefined> {
    const isWhole = checked.every(({ status }) => status === RECIPIENT_STATUS_ACCEPTED);
    return isWhole ? undefined : this.#parts.ingress.recorded(sendId, undefined);
  }

  /** Asks for it to be stored before this returns: so those that are asked for in one turn keep their order. */
  async #append(
    { sendId, checked, append, recorded }: ReadySend,
    order: MailOrder,
    strict: boolean,
    listBytes?: number,
  ): Promise<SendResultFields> {
    const { ingress } = this.#parts;
    try {
      const fresh =
        append.recipients.length === 0 ? undefined : await ingress.append(sendId, undefined, append, order, strict);
      return sendResult(sendId, checked, bothOf(recorded, fresh), listBytes);
    } catch (error) {
      const refusal = refusalOf(error);
      return refusal.code === 'superseded' ? this.#supersede(checked, sendId) : refusedResult(sendId, refusal);
    }
  }

  async #supersede(checked: readonly CheckedRecipient[], sendId: Uint8Array): Promise<SendResultFields> {
    try {
      const recorded = await this.#parts.ingress.recorded(sendId, undefined);
      return recorded === undefined ? refusedResult(sendId, superseded) : sendResult(sendId, checked, recorded);
    } catch (error) {
      return refusedResult(sendId, refusalOf(error));
    }
  }

  #limitOf(network: string | undefined, hash: Uint8Array): Promise<RelayError | undefined> {
    return limitOf(async () => {
      await this.#parts.limits.takeSealedFrom(network);
      await this.#parts.limits.takeSealedUnder(hash);
    });
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

/**
 * One message to many, with the devices that it names of each recipient.
 * @throws {RelayError} `request-malformed`
 */
function partedOf(send: SealedMultiSend): PartedSend {
  const { recipients: named, shared } = takeApart(send.message);
  const recipients = send.recipients.map((recipient): SendRecipientFields => {
    const devices = named.get(uuidToText(recipient.userId ?? nothing) as UserId);
    return { ...recipient, devices: [...(devices ?? [])] };
  });
  const users = new Set(send.recipients.map(({ userId }) => uuidToText(userId ?? nothing)));
  if (users.size !== recipients.length || users.size !== named.size || recipients.some(lacksDevices)) {
    throw new RelayError('request-malformed', 'recipients has to have each account that the message names, once.');
  }
  return { send, recipients, shared };
}

/** What a limit says against it; `undefined` when nothing. */
async function limitOf(take: () => Promise<void>): Promise<RelayError | undefined> {
  try {
    await take();
    return undefined;
  } catch (error) {
    if (error instanceof RelayError && error.code === 'rate-limited') return error;
    throw error;
  }
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
