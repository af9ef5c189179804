import { describe, expect, it } from 'vitest';
import { settled } from '../../test/turn-of-events.ts';
import { ChatLanes } from './chat-lanes.ts';

describe('the lanes of chats', () => {
  it('keep the order of a chat, and run no more chats at once than they may', async () => {
    const lanes = new ChatLanes(2);
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const add = (chat: string, name: string) =>
      lanes.add(chat, () => {
        begun.push(name);
        return new Promise((resolve) => ends.set(name, resolve));
      });
    for (const name of ['a1', 'a2', 'b1', 'c1', 'b2']) add(name.charAt(0), name);
    let empty = false;
    const emptied = lanes.atMost(0).then(() => {
      empty = true;
    });
    await settled();
    expect(begun).toEqual(['a1', 'b1']);
    ends.get('b1')?.();
    await settled();
    // c has waited longer than what is left of b.
    expect(begun).toEqual(['a1', 'b1', 'c1']);
    ends.get('a1')?.();
    ends.get('c1')?.();
    await settled();
    expect(begun).toEqual(['a1', 'b1', 'c1', 'b2', 'a2']);
    expect(empty).toBe(false);
    ends.get('b2')?.();
    ends.get('a2')?.();
    await emptied;
  });
});
