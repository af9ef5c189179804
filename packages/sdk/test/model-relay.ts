import {
  type ClientFrameFields,
  RecipientStatus,
  type Send,
  Send as SendCodec,
  type SendFields,
  SendResult,
  type SendResultFields,
  SignedDeviceList,
  toBase64Url,
  uuidToText,
} from '@sotto/proto';
import { isForMany } from '../src/sealed/unnamed-send.ts';

/** What the relay makes of a send that is in turn. */
export type Verdict =
  | { readonly type: 'accepted' }
  /** Of a Send to a group: some of its recipients are not given it. */
  | { readonly type: 'shared'; readonly missed: ReadonlyMap<string, RecipientStatus> }
  | { readonly type: 'devices-changed'; readonly deviceList: Uint8Array }
  | { readonly type: 'unknown-user' | 'mailbox-full' | 'garbage' }
  | { readonly type: 'refused'; readonly code: string; readonly retryable: boolean; readonly retryAfterMs?: number };

/** A send that was stored. */
export interface StoredSend {
  readonly messageId: string;
  readonly send: Send;
}

interface Lane {
  next: number;
  broken: boolean;
}

/** One connection to the model: what was handed over, and the results that wait to be read. */
export interface ModelStream {
  readonly sends: Send[];
  readonly results: SendResult[];
}

/** What a relay does with Sends (docs/protocol.md, section 3): send ids are looked up first, and lanes keep their order. */
export class ModelRelay {
  /** In the order in which they were stored. */
  readonly stored: StoredSend[] = [];
  /** What becomes of a send that is in turn and was not seen before. */
  verdict: (send: Send) => Verdict = () => ({ type: 'accepted' });
  now = 1_700_000_000_000;
  stream: ModelStream | undefined;
  private readonly recorded = new Map<string, SendResultFields>();
  private lanes = new Map<string, Lane>();

  /** Opens a connection; the one before is gone with all that was on its way. */
  connect(): ModelStream {
    this.lanes = new Map();
    this.stream = { sends: [], results: [] };
    return this.stream;
  }

  /** Loses the connection. */
  disconnect(): void {
    this.stream = undefined;
  }

  /** The wire: false when there is no connection. */
  readonly transmit = (frames: readonly ClientFrameFields[], handed: () => void): boolean => {
    const { stream } = this;
    if (stream === undefined) return false;
    for (const { send } of frames) {
      if (!send) continue;
      const read = SendCodec.decode(SendCodec.encode(send as SendFields));
      stream.sends.push(read);
      stream.results.push(SendResult.decode(SendResult.encode(this.resultOf(read))));
    }
    handed();
    return true;
  };

  /** Sends beside the stream, whose sender it does not know: in one request those after one that was not accepted are superseded, and of those to many after one that was refused as a whole. */
  readonly post = (sends: readonly SendFields[]): void => {
    const { stream } = this;
    if (stream === undefined) return;
    let inTurn = true;
    for (const send of sends) {
      const read = SendCodec.decode(SendCodec.encode(send));
      const result = this.resultOf(read, inTurn);
      inTurn &&= isForMany(read) ? !result.refused : isGiven(result);
      stream.sends.push(read);
      stream.results.push(SendResult.decode(SendResult.encode(result)));
    }
  };

  private resultOf(send: Send, inTurn = this.enter(toBase64Url(send.lane), send.laneNo)): SendResultFields {
    const sendId = toBase64Url(send.sendId);
    const recorded = this.recorded.get(sendId);
    if (recorded) return recorded;
    if (!inTurn) return { sendId: send.sendId, refused: { code: 'superseded', retryable: true } };
    const verdict = this.verdict(send);
    if (verdict.type === 'accepted') {
      this.stored.push({ messageId: messageIdOf(send), send });
      const result = this.answer(send, RecipientStatus.RECIPIENT_STATUS_ACCEPTED);
      this.recorded.set(sendId, result);
      return result;
    }
    if (verdict.type === 'shared') {
      const result = this.shared(send, verdict.missed);
      this.stored.push({ messageId: messageIdOf(send), send: withoutMissed(send, verdict.missed) });
      this.recorded.set(sendId, result);
      return result;
    }
    const lane = this.lanes.get(toBase64Url(send.lane));
    if (lane) lane.broken = true;
    return this.refusal(send, verdict);
  }

  private shared(send: Send, missed: ReadonlyMap<string, RecipientStatus>): SendResultFields {
    const answer = this.answer(send, RecipientStatus.RECIPIENT_STATUS_ACCEPTED);
    const recipients = (answer.recipients ?? []).map((one) => ({
      ...one,
      status: missed.get(uuidToText(one.userId ?? new Uint8Array())) ?? RecipientStatus.RECIPIENT_STATUS_ACCEPTED,
    }));
    const isGiven = recipients.some(({ status }) => status === RecipientStatus.RECIPIENT_STATUS_ACCEPTED);
    return { ...answer, recipients, ...(!isGiven && { acceptedAt: 0, expiresAt: 0 }) };
  }

  private refusal(send: Send, verdict: Exclude<Verdict, { type: 'accepted' | 'shared' }>): SendResultFields {
    switch (verdict.type) {
      case 'devices-changed': {
        const answer = this.answer(send, RecipientStatus.RECIPIENT_STATUS_DEVICES_CHANGED);
        const deviceList = SignedDeviceList.decode(verdict.deviceList);
        return { ...answer, recipients: (answer.recipients ?? []).map((recipient) => ({ ...recipient, deviceList })) };
      }
      case 'unknown-user':
        return this.answer(send, RecipientStatus.RECIPIENT_STATUS_UNKNOWN_USER);
      case 'mailbox-full':
        return this.answer(send, RecipientStatus.RECIPIENT_STATUS_MAILBOX_FULL);
      case 'garbage':
        return { sendId: send.sendId };
      case 'refused': {
        const { code, retryable, retryAfterMs = 0 } = verdict;
        return { sendId: send.sendId, refused: { code, retryable, retryAfterMs } };
      }
    }
  }

  private answer(send: Send, status: RecipientStatus): SendResultFields {
    const accepted = status === RecipientStatus.RECIPIENT_STATUS_ACCEPTED;
    return {
      sendId: send.sendId,
      acceptedAt: accepted ? ++this.now : 0,
      expiresAt: accepted ? this.now + 30 * 24 * 3_600_000 : 0,
      recipients: send.recipients.map(({ userId }) => ({ userId: userId ?? new Uint8Array(), status })),
    };
  }

  private enter(lane: string, number: number): boolean {
    const known = this.lanes.get(lane);
    if (known === undefined) {
      this.lanes.set(lane, { next: 2, broken: number !== 1 });
      return number === 1;
    }
    if (known.broken) return false;
    if (number !== known.next) {
      if (number > known.next) known.broken = true;
      return false;
    }
    known.next++;
    return true;
  }
}

function isGiven({ recipients }: SendResultFields): boolean {
  return recipients?.[0]?.status === RecipientStatus.RECIPIENT_STATUS_ACCEPTED;
}

/** Empty when the Send does not say who sends it. */
function messageIdOf({ messageId }: Send): string {
  return messageId.length === 0 ? '' : uuidToText(messageId);
}

function withoutMissed(send: Send, missed: ReadonlyMap<string, RecipientStatus>): Send {
  const recipients = send.recipients.filter(({ userId }) => !missed.has(uuidToText(userId ?? new Uint8Array())));
  return SendCodec.decode(SendCodec.encode({ ...send, recipients }));
}
