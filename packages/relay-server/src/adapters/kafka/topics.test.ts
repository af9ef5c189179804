import { expect, it } from 'vitest';
import { isEarly } from './topics.ts';

/** As the client throws it: an answer with an error for each partition. */
function answer(apiCode: number): Error {
  const partition = Object.assign(new Error('of a partition'), { apiCode });
  return new AggregateError([new AggregateError([partition])], 'Listing offsets failed.');
}

it.each([
  ['UNKNOWN_TOPIC_OR_PARTITION', 3],
  ['LEADER_NOT_AVAILABLE', 5],
  ['NOT_LEADER_OR_FOLLOWER', 6],
  ['FENCED_LEADER_EPOCH', 74],
  ['UNKNOWN_LEADER_EPOCH', 75],
  ['UNKNOWN_TOPIC_ID', 100],
])('%s of a topic that was made just now means that brokers have not all heard of it', (_, code) => {
  expect(isEarly(answer(code))).toBe(true);
});

it('what will not pass is not early', () => {
  expect(isEarly(answer(29))).toBe(false);
  expect(isEarly(new Error('another one'))).toBe(false);
});
