import { describe, expect, it } from 'vitest';
import { type DeviceKey, type LaneMail, laneIdOf } from './delivery-lane.ts';
import { type InboxEvent, inboxWakeAt, newDeviceInbox, stepInbox } from './device-inbox.ts';
import type { HandOver } from './hand-over.ts';
import { type InboxEffect, inboxTerms } from './inbox-state.ts';

const device = 'd' as DeviceKey;
const lane = laneIdOf('c', 't', 0);
const terms = { ...inboxTerms, window: 4, windowBytes: 1_000, page: 2 };

function mail(ko: number, bytes = 0): LaneMail {
  return { ko, time: 0, expiresAt: 1e12, envelope: new Uint8Array(bytes) };
}

function handOver(ko: number, prevKo: number | 'unknown', settled = true, epoch = 'e', bytes = 0): InboxEvent {
  const message: HandOver = {
    kind: 'hand-over',
    call: ko,
    device,
    lane,
    prevKo,
    settled,
    epoch,
    deadline: 1e9,
    mail: mail(ko, bytes),
  };
  return { kind: 'hand-over', from: 'n2', message };
}

function text(effect: InboxEffect): string {
  switch (effect.kind) {
    case 'deliver':
      return `deliver ${effect.key.ko}`;
    case 'read-page':
      return `page after ${effect.after} up to ${effect.upTo}, ${effect.limit}`;
    case 'forget-up-to':
      return `forget up to ${effect.upTo}`;
    case 'forget-one':
      return `forget ${effect.key.ko}`;
    case 'close':
      return `close ${effect.reason}`;
    case 'send':
      return 'status' in effect.message ? `${effect.message.ko} ${effect.message.status}` : effect.message.kind;
    default:
      return effect.kind;
  }
}

function inbox() {
  const state = newDeviceInbox(device, 'n1', 0);
  const step = (event: InboxEvent, now = 0): string[] => {
    const out: InboxEffect[] = [];
    stepInbox(state, event, now, 0, terms, out);
    return out.map(text);
  };
  const spans = (first?: number, last = first) =>
    step({
      kind: 'spans',
      spans: first === undefined || last === undefined ? [] : [{ lane, first, last, days: [0] }],
      cursors: [],
    });
  const page = (...kos: number[]) => step({ kind: 'page', lane, rows: kos.map(mail) });
  const ack = (...kos: number[]) => step({ kind: 'acked', keys: kos.map((ko) => ({ lane, ko, day: 0 })) });
  return { state, step, spans, page, ack };
}

/** A stream that has its presence and has read that nothing is stored. */
function open() {
  const made = inbox();
  made.step({ kind: 'opened' });
  made.step({ kind: 'claimed', epoch: 'e', previous: undefined });
  made.spans();
  return made;
}

describe('a stream', () => {
  it('claims presence, then reads what is stored, page by page as there is room', () => {
    const { step, spans, page, ack } = inbox();
    expect(step({ kind: 'opened' })).toEqual(['claim']);
    expect(step({ kind: 'claimed', epoch: 'e', previous: undefined })).toEqual(['read-spans']);
    expect(spans(1, 9)).toEqual(['page after -1 up to 9, 2']);
    expect(page(1, 2)).toEqual(['deliver 1', 'deliver 2', 'page after 2 up to 9, 2']);
    expect(page(5, 6)).toEqual(['deliver 5', 'deliver 6']);
    expect(ack(1)).toEqual(['page after 6 up to 9, 1']);
    expect(page(9)).toEqual(['deliver 9', 'queue-empty']);
    expect(ack(2, 5)).toEqual([]);
    expect(ack(6, 9)).toEqual(['forget up to 8']);
    expect(step({ kind: 'forgotten', lane, upTo: 8, ok: true })).toEqual(['forget up to 9']);
  });

  it('deletes no further than the first delivery that is not acked', () => {
    const { step, spans, page, ack } = inbox();
    step({ kind: 'opened' });
    step({ kind: 'claimed', epoch: 'e', previous: undefined });
    spans(1, 3);
    page(1, 2);
    page(3);
    expect(ack(1, 3)).toEqual(['forget 3']);
    expect(step({ kind: 'closed' })).toEqual(['forget up to 1', 'release']);
  });

  it('deletes at its end what was acked while a delete was under way, whatever became of that, and tries the last one once', () => {
    for (const ok of [true, false]) {
      const { step, spans, page, ack } = inbox();
      step({ kind: 'opened' });
      step({ kind: 'claimed', epoch: 'e', previous: undefined });
      spans(1, 6);
      page(1, 2);
      page(3, 4);
      expect(ack(1, 2, 3, 4)).toEqual(['forget up to 4', 'page after 4 up to 6, 2']);
      page(5, 6);
      expect(ack(5)).toEqual([]);
      expect(step({ kind: 'closed' })).toEqual(['release']);
      expect(step({ kind: 'forgotten', lane, upTo: 4, ok })).toEqual(['forget up to 5']);
      expect(step({ kind: 'forgotten', lane, upTo: 5, ok: false })).toEqual([]);
    }
  });

  it('writes nothing for what comes live and is acked', () => {
    const { step, ack } = open();
    expect(step(handOver(4, 'unknown'))).toEqual(['read-spans', '4 catching-up']);
    expect(step({ kind: 'spans', spans: [], cursors: [] })).toEqual(['caught-up']);
    expect(step(handOver(4, 'unknown'))).toEqual(['deliver 4']);
    expect(step(handOver(7, 4, false))).toEqual(['deliver 7']);
    expect(ack(7, 4)).toEqual(['7 acked', '4 acked']);
    expect(step(handOver(7, 4))).toEqual(['7 acked']);
  });

  it('accepts behind the record before only', () => {
    const { step } = open();
    expect(step(handOver(7, 4, false))).toEqual(['7 behind']);
    expect(step(handOver(7, 4, true))).toEqual(['read-spans', '7 catching-up']);
    expect(step(handOver(7, 4, true, 'f'))).toEqual(['7 refused-epoch']);
  });

  it('takes no more bytes live than it has room for, and says when there is room again', () => {
    const { state, step, ack } = open();
    step(handOver(4, 3));
    step({ kind: 'spans', spans: [], cursors: [] });
    const large = (ko: number, prevKo: number) => handOver(ko, prevKo, false, 'e', 600);
    expect(step(large(4, 3))).toEqual(['deliver 4']);
    expect(step(large(5, 4))).toEqual(['deliver 5']);
    expect(step(large(6, 5))).toEqual(['6 catching-up']);
    expect(ack(4)).toEqual(['4 acked', 'caught-up']);
    expect(step(large(6, 5))).toEqual(['deliver 6']);
    expect(ack(5, 6)).toEqual(['5 acked', '6 acked']);
    expect(state.inFlightBytes).toBe(0);
  });

  it('reads no more bytes than it has room for, but for one page, and fewer rows after large ones', () => {
    const { state, step, spans, ack } = inbox();
    const page = (...kos: number[]) => step({ kind: 'page', lane, rows: kos.map((ko) => mail(ko, 600)) });
    step({ kind: 'opened' });
    step({ kind: 'claimed', epoch: 'e', previous: undefined });
    expect(spans(1, 9)).toEqual(['page after -1 up to 9, 2']);
    expect(page(1, 2)).toEqual(['deliver 1', 'deliver 2']);
    expect(ack(1)).toEqual(['page after 2 up to 9, 1']);
    expect(page(3)).toEqual(['deliver 3']);
    expect(ack(2, 3)).toEqual(['forget up to 3', 'page after 3 up to 9, 1']);
    expect(state.inFlightBytes).toBe(0);
  });

  it('reads anew for what was asked while a reading was under way', () => {
    const { step, spans } = open();
    step(handOver(4, 3));
    expect(step(handOver(9, 8))).toEqual(['9 catching-up']);
    expect(spans()).toEqual(['read-spans']);
    expect(step(handOver(9, 8))).toEqual(['9 catching-up']);
    expect(spans()).toEqual(['caught-up']);
    expect(step(handOver(9, 8))).toEqual(['deliver 9']);
  });

  it('gives a row no more that came live while its page was read', () => {
    const { step, spans, page, ack } = open();
    step({ kind: 'hint' });
    spans(0, 2);
    expect(step(handOver(0, 'unknown'))).toEqual(['deliver 0']);
    expect(step(handOver(1, 0))).toEqual(['deliver 1']);
    expect(page(0, 1)).toEqual(['page after 1 up to 2, 2']);
    expect(page(2)).toEqual(['deliver 2']);
    // All three have rows, and go together once all are acked.
    expect(ack(0, 1)).toEqual(['0 acked', '1 acked']);
    expect(ack(2)).toEqual(['forget up to 2']);
  });

  it('takes acks of what an older stream gave, and gives it no more', () => {
    const { step, spans, page, ack } = open();
    expect(ack(2)).toEqual(['forget 2']);
    expect(step({ kind: 'hint' })).toEqual(['read-spans']);
    expect(spans(1, 2)).toEqual(['page after -1 up to 2, 2']);
    expect(page(1, 2)).toEqual(['deliver 1']);
    expect(step(handOver(2, 1))).toEqual(['2 acked']);
  });

  it('finds rows of what is acked, and deletes them', () => {
    const { step, spans, ack } = open();
    step(handOver(4, 3));
    spans();
    step(handOver(4, 3));
    ack(4);
    step({ kind: 'hint' });
    expect(spans(4)).toEqual(['forget up to 4']);
  });

  it('claims again when its presence has vanished, and comes back when somebody else has it', () => {
    const { state, step, spans } = open();
    expect(step({ kind: 'wake' }, inboxWakeAt(state))).toEqual(['check-presence', 'read-spans']);
    expect(step({ kind: 'presence-seen', epoch: 'e', holder: undefined })).toEqual(['claim']);
    const previous = { node: 'n2', epoch: 'x' };
    expect(step({ kind: 'claimed', epoch: 'f', previous })).toEqual(['taken-over']);
    expect(spans()).toEqual(['read-spans']);
    expect(step({ kind: 'presence-seen', epoch: 'f', holder: previous })).toEqual(['release', 'close reconnect']);
  });

  it('is replaced by a login, and comes back after a claim that was none', () => {
    expect(open().step({ kind: 'taken-over', epoch: 'e', by: 'login' })).toEqual(['release', 'close replaced']);
    expect(open().step({ kind: 'taken-over', epoch: 'e', by: 'reclaim' })).toEqual(['release', 'close reconnect']);
    expect(open().step({ kind: 'taken-over', epoch: 'older', by: 'login' })).toEqual([]);
  });

  it('hears of a take-over before the answer to its own claim', () => {
    const { step } = inbox();
    step({ kind: 'opened' });
    expect(step({ kind: 'taken-over', epoch: 'e', by: 'login' })).toEqual([]);
    expect(step({ kind: 'taken-over', epoch: 'another', by: 'reclaim' })).toEqual([]);
    expect(step({ kind: 'claimed', epoch: 'e', previous: undefined })).toEqual([
      'read-spans',
      'release',
      'close replaced',
    ]);
  });

  it('gives up a claim that lands after its end, and refuses nothing silently', () => {
    const { step } = open();
    step(handOver(4, 3));
    expect(step({ kind: 'closed' })).toEqual(['release']);
    expect(step({ kind: 'claimed', epoch: 'f', previous: { node: 'n2', epoch: 'x' } })).toEqual(['release']);
  });

  it('tells the dispatcher at its end what was not acked', () => {
    const { step, spans } = open();
    step(handOver(4, 3));
    spans();
    step(handOver(4, 3));
    expect(step({ kind: 'closed' })).toEqual(['4 gone', 'release']);
  });
});
