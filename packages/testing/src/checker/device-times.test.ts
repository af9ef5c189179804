import { describe, expect, it } from 'vitest';
import type { Action, DeviceHistory, DeviceTime } from './action.ts';
import { classify } from './classify.ts';

const chat = 'alice+bob';
const messages = ['one', 'two', 'three'];

/** Alice's first device sends three messages at 10, 20 and 30; each line says what another device has of them. */
function verdictOf(devices: Readonly<Record<string, { time?: DeviceTime; has: readonly string[] }>>, sender = 'alice') {
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
  const { anomalies } = classify(actions, histories);
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
