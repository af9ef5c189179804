import { GroupState as WireState } from '@sotto/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GroupLog } from '../../test/group-log.ts';
import { decodeRecord } from './group-record.ts';
import { decodeState, encodeState, unbornState } from './group-state.ts';
import { isGroupTitle } from './group-title.ts';

function fullState() {
  const log = new GroupLog();
  const bytes = (length: number) => new Uint8Array(length).fill(length);
  const invite = { id: bytes(16), key: bytes(32), approval: true };
  log.write(log.owner, { type: 'set-invite', invite });
  log.write(log.owner, { type: 'set-avatar', avatar: { hash: bytes(32), key: bytes(32), location: bytes(32) } });
  const { rootKey } = log.stranger.candidate();
  const profileKey = bytes(32);
  const request = { userId: log.stranger.userId, rootKey, deviceListVersion: 4, profileKey, requestedAtRevision: 2 };
  return { log, state: { ...log.at.state, requests: [request], rekeyDue: true } };
}

describe('the encoding of a state', () => {
  it('is read as it was written', () => {
    const { state } = fullState();
    expect(decodeState(encodeState(state))).toEqual(state);
  });

  it('leaves out what is not there', () => {
    expect(encodeState(unbornState(new Uint8Array(32).fill(1)))).toEqual(
      Uint8Array.of(0x0a, 32, ...new Uint8Array(32).fill(1)),
    );
  });

  it('is the only one: every other one of the same fields is refused', () => {
    const { state } = fullState();
    const encoded = encodeState(state);
    const wire = WireState.decode(encoded);
    expect(decodeState(WireState.encode(wire))).toEqual(state);
    const others = [
      WireState.encode({ ...wire, members: [...wire.members].reverse() }),
      WireState.encode({ ...wire, members: [...wire.members, ...wire.members.slice(0, 1)] }),
      WireState.encode({ ...wire, members: wire.members.slice(1) }),
      WireState.encode({ ...wire, rules: 2 }),
      WireState.encode({ ...wire, title: '' }),
      WireState.encode({ ...wire, revision: 1 }),
      Uint8Array.of(...encoded, 0x60, 1),
      Uint8Array.of(...encoded, 0x7a, 0),
      encodeState({ ...state, requests: state.members.slice(0, 1).map((one) => ({ ...one, requestedAtRevision: 1 })) }),
    ];
    for (const other of others) expect(decodeState(other)).toBeUndefined();
  });

  it('is told from any other bytes', () => {
    const { state, log } = fullState();
    const encoded = encodeState(state);
    fc.assert(
      fc.property(fc.nat(encoded.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = encoded.with(at, (encoded[at] ?? 0) ^ flip);
        const read = decodeState(changed);
        if (read !== undefined) expect(encodeState(read)).toEqual(changed);
      }),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeState(bytes)).toBeUndefined();
        expect(decodeRecord(bytes)).toBeUndefined();
      }),
    );
    expect(decodeRecord(log.records[0] ?? new Uint8Array())).toBeDefined();
  });
});

describe('a title', () => {
  it.each(['R', 'Rowers of the lake, 2026 🚣'.slice(0, 24), '🚣'.repeat(25)])('can be %j', (text) => {
    expect(isGroupTitle(text)).toBe(true);
  });

  it.each(['', '🚣'.repeat(26), 'a\nb', 'a\0', '\ud800', 'a\u2028'])('can not be %j', (text) => {
    expect(isGroupTitle(text)).toBe(false);
  });
});
