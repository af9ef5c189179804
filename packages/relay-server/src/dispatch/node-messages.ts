import type { DeviceKey, LaneId } from '../ports/ids.ts';
import type { HandOver, HandOverAnswer, HandOverStatus, NodeMessage } from './hand-over.ts';
import { FieldReader, FieldWriter } from './message-fields.ts';

const version = 1;
/** What stands for `unknown` in the place of an offset. */
const unknown = -1;

const kinds = ['hand-over', 'answer', 'hint', 'caught-up', 'taken-over', 'vacated'] as const;
const statuses: readonly HandOverStatus[] = ['acked', 'refused-epoch', 'gone', 'late', 'catching-up', 'behind'];
const takers = ['login', 'reclaim'] as const;

/**
 * What relay nodes say to each other, as bytes of a `NodeLink`: a byte of version, one of the kind, then the fields in their order; numbers as doubles, texts in UTF-8 behind their length.
 * Nodes of one cluster may run different releases for a while: whoever changes this changes `version`.
 */
export function encodeNodeMessage(message: NodeMessage): Uint8Array {
  const writer = new FieldWriter();
  writer.byte(version);
  writer.byte(kinds.indexOf(message.kind));
  writer.text(message.device);
  switch (message.kind) {
    case 'hand-over':
      writeHandOver(writer, message);
      break;
    case 'answer':
      writer.number(message.call);
      writer.text(message.lane);
      writer.number(message.ko);
      writer.byte(statuses.indexOf(message.status));
      break;
    case 'hint':
      break;
    case 'caught-up':
      writer.text(message.lane);
      break;
    case 'taken-over':
      writer.text(message.epoch);
      writer.byte(takers.indexOf(message.by));
      break;
    case 'vacated':
      writer.text(message.epoch);
      break;
  }
  return writer.done();
}

/** What another node says; `undefined` for everything that `encodeNodeMessage` did not make. Never throws. An envelope shares the memory of `bytes`. */
export function decodeNodeMessage(bytes: Uint8Array): NodeMessage | undefined {
  const reader = new FieldReader(bytes);
  if (reader.byte() !== version) return undefined;
  const kind = kinds[reader.byte()];
  const device = reader.text() as DeviceKey;
  const message = readFields(kind, device, reader);
  return reader.isDone ? message : undefined;
}

function readFields(
  kind: (typeof kinds)[number] | undefined,
  device: DeviceKey,
  reader: FieldReader,
): NodeMessage | undefined {
  switch (kind) {
    case 'hand-over':
      return readHandOver(device, reader);
    case 'answer':
      return readAnswer(device, reader);
    case 'hint':
      return { kind, device };
    case 'caught-up':
      return { kind, device, lane: reader.text() as LaneId };
    case 'taken-over': {
      const epoch = reader.text();
      const by = takers[reader.byte()];
      return by && { kind, device, epoch, by };
    }
    case 'vacated':
      return { kind, device, epoch: reader.text() };
    case undefined:
      return undefined;
  }
}

function writeHandOver(writer: FieldWriter, { call, lane, prevKo, settled, epoch, deadline, mail }: HandOver): void {
  writer.number(call);
  writer.text(lane);
  writer.number(prevKo === 'unknown' ? unknown : prevKo);
  writer.byte(settled ? 1 : 0);
  writer.text(epoch);
  for (const value of [deadline, mail.ko, mail.time, mail.expiresAt]) writer.number(value);
  writer.rest(mail.envelope);
}

function readHandOver(device: DeviceKey, reader: FieldReader): HandOver {
  const call = reader.whole();
  const lane = reader.text() as LaneId;
  const before = reader.whole(unknown);
  const settled = reader.flag();
  const epoch = reader.text();
  const deadline = reader.whole();
  const mail = { ko: reader.whole(), time: reader.whole(), expiresAt: reader.whole(), envelope: reader.rest() };
  const prevKo = before === unknown ? 'unknown' : before;
  return { kind: 'hand-over', call, device, lane, prevKo, settled, epoch, deadline, mail };
}

function readAnswer(device: DeviceKey, reader: FieldReader): HandOverAnswer | undefined {
  const call = reader.whole();
  const lane = reader.text() as LaneId;
  const ko = reader.whole();
  const status = statuses[reader.byte()];
  return status && { kind: 'answer', call, device, lane, ko, status };
}
