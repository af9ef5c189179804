import { describe, expect, it } from 'vitest';
import type { Action, DeviceHistory, DeviceTime } from './action.ts';
import { classify } from './classify.ts';

const chat = 'alice+bob';
const messages = ['one', 'two', 'three'];

/** Alice's first device sends three messages at 10, 20 and 30; each line says what another device has of them. */
function verdictOf(
  devices: Readonly<Record<string, { time?: DeviceTime; has: readonly string[] }>>,
  sender = 'alice',
  more: readonly Action[] = [],
) {
  const actions = messages.flatMap((message, index): Action[] => {
    const at = BigInt(10 * (index + 1));
    const about = { sender, chat, message };
    return [
      { type: 'send-invoke', at, ...about },
      { type: 'send-result', outcome: 'accepted', at: at + 1n, ...about },
    ];
  });
  const entries = (has: readonly string[]) => has.map((message) => ({ message, sender, late: false }));
  const histories = Object.entries(devices).map(
    ([device, { time, has }]): DeviceHistory => ({
      device,
      chat,
      listens: false,
      ...(time && { time }),
      messages: entries(has),
    }),
  );
  const { anomalies } = classify([...actions, ...more], histories);
  return anomalies.map(({ kind, message, device }) => `${kind} ${message} at ${device}`);
}

const alice = { has: messages };

describe('a device that came later', () => {
  const time = { since: 15n };

  it('has to have what was sent then, and may have what was sent before', () => {
    expect(verdictOf({ alice, bob: alice, 'bob.2': { time, has: ['two', 'three'] } })).toEqual([]);
    expect(verdictOf({ alice, bob: alice, 'bob.2': { time, has: messages } })).toEqual([]);
    expect(verdictOf({ alice, bob: alice, 'bob.2': { time, has: ['three'] } })).toEqual(['lost two at bob.2']);
  });

  it('has to have what the own other device sent', () => {
    expect(verdictOf({ alice, bob: alice, 'alice.2': { time, has: ['one', 'two'] } })).toEqual([
      'lost three at alice.2',
    ]);
  });

  it('has what is its own, in order and once, as any other', () => {
    expect(verdictOf({ alice, bob: alice, 'bob.2': { time, has: ['three', 'two'] } })).toEqual([
      'misordered two at bob.2',
    ]);
    expect(verdictOf({ alice, bob: alice, 'bob.2': { time, has: ['two', 'two', 'three'] } })).toEqual([
      'duplicated two at bob.2',
    ]);
  });
});

describe('a device for which nobody could encrypt for a while', () => {
  const away = (from: bigint, to: bigint) => ({ since: 0n, absences: [{ from, to }] });

  it('may lack what left meanwhile, and nothing else', () => {
    const lacking = (from: bigint, to: bigint) =>
      verdictOf({ alice, bob: alice, 'bob.2': { time: away(from, to), has: ['one', 'three'] } });
    expect(lacking(15n, 25n)).toEqual([]);
    // Nobody wrote when it was seen: it may have left at any time.
    expect(lacking(25n, 27n)).toEqual([]);
    expect(lacking(11n, 19n)).toEqual(['lost two at bob.2']);
  });

  it('has to have what somebody saw before, and may have all', () => {
    const seen: Action = { type: 'apply', at: 22n, receiver: 'bob', sender: 'alice', chat, message: 'two' };
    const lacking = (from: bigint) =>
      verdictOf({ alice, bob: alice, 'bob.2': { time: away(from, 40n), has: ['one', 'three'] } }, 'alice', [seen]);
    expect(lacking(22n)).toEqual([]);
    expect(lacking(23n)).toEqual(['lost two at bob.2']);
    expect(verdictOf({ alice, bob: alice, 'bob.2': { time: away(5n, 40n), has: messages } })).toEqual([]);
  });
});

describe('a device that was put out', () => {
  const time = { since: 0n, until: 25n };

  it('has nothing of what was sent later, and may have what was sent before', () => {
    expect(verdictOf({ alice, bob: alice, 'bob.2': { time, has: ['one'] } })).toEqual([]);
    expect(verdictOf({ alice, bob: alice, 'bob.2': { time, has: messages } })).toEqual(['unexpected three at bob.2']);
  });

  it('owes what had left it, and nothing else; its own history is its own', () => {
    const sentBy = (drained: bigint | undefined, has: readonly string[]) =>
      verdictOf(
        { 'alice.2': { time: { ...time, ...(drained && { drained }) }, has: messages }, alice: { has }, bob: { has } },
        'alice.2',
      );
    expect(sentBy(undefined, [])).toEqual([]);
    expect(sentBy(22n, ['one', 'two'])).toEqual([]);
    expect(sentBy(22n, ['one'])).toEqual(['lost two at alice', 'lost two at bob']);
  });
});
