import { expect, it } from 'vitest';
import { messageRecord } from '../../test/message-record.ts';
import { toMessage } from './message.ts';

it('a message says why it failed', () => {
  const failed = toMessage(messageRecord({ state: 'failed', failure: 'user-unknown' }));
  expect(failed).toMatchObject({ outgoing: true, state: 'failed', failure: 'user-unknown' });
  expect(toMessage(messageRecord({ state: 'queued' })).failure).toBeUndefined();
});
