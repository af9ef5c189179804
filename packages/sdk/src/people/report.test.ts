import { uuidToBytes, uuidToText } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { messageIdOf } from '../../test/numbered-uuid.ts';
import { sha256 } from '../../test/test-device.ts';
import { twoSided } from '../../test/two-sided.ts';
import { Chat } from '../chats/chat.ts';
import { messageIdBytes } from '../crypto/message-id.ts';

describe('a report', () => {
  it('has the last five messages of that person, and goes to the app', async () => {
    const { alice, bob, sender, hearTexts } = await twoSided();
    const chat = sender.chat(alice.account.userId);
    await hearTexts(1, 4);
    await chat.send('stop that');
    await hearTexts(5, 7);
    const made = await chat.report({ reason: 'spam' });
    expect(sender.reports).toEqual([made]);
    const { userId, deviceId } = alice.account;
    expect(made).toMatchObject({
      reporter: bob.account.userId,
      userId,
      chatId: chat.id,
      accepted: true,
      reason: 'spam',
    });
    expect(made.messages.map(({ text }) => text)).toEqual(['3', '4', '5', '6', '7']);
    for (const { id, nonce, senderDevice } of made.messages) {
      expect(senderDevice).toBe(deviceId);
      expect(uuidToText(messageIdBytes(sha256, uuidToBytes(userId), deviceId, nonce))).toBe(id);
    }
  });

  it('has the messages that are named, of that person alone', async () => {
    const { alice, sender, hearTexts } = await twoSided();
    const chat = sender.chat(alice.account.userId);
    await hearTexts(1, 3);
    const own = await chat.send('mine');
    const [first] = (await chat.history()).messages;
    const named = first ? [first] : [];
    expect((await chat.report({ messages: named })).messages.map(({ text }) => text)).toEqual(['1']);
    expect((await chat.report({ messages: [] })).messages).toEqual([]);
    for (const other of [own, { id: messageIdOf(9) }, { id: 'x' }, undefined]) {
      const call = chat.report({ messages: [other as never] });
      await expect(call).rejects.toMatchObject({ code: 'message-unknown' });
    }
    expect(sender.reports).toHaveLength(2);
  });

  it('needs an app that takes it, and tells it what went wrong there', async () => {
    const { alice, sender } = await twoSided();
    const { id, userId } = sender.chat(alice.account.userId);
    const without = new Chat(id, userId, { ...sender.parts, onReport: undefined });
    await expect(without.report()).rejects.toMatchObject({ code: 'argument-invalid' });
    const failing = new Chat(id, userId, { ...sender.parts, onReport: () => Promise.reject(new Error('no line')) });
    await expect(failing.report()).rejects.toThrow('no line');
    await expect(failing.report({ messages: 'all' } as never)).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(failing.report({ reason: 'x'.repeat(2_001) })).rejects.toMatchObject({ code: 'argument-invalid' });
  });
});
