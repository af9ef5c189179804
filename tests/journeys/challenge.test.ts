import type { ChallengeRequest } from '@sotto/relay-server/ports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JourneyWorld } from './journey-world.ts';
import { failureOf } from './person.ts';

/** Answers that the operator's check was given. */
const asked: ChallengeRequest['answer'][] = [];
let world: JourneyWorld;

beforeAll(async () => {
  world = await JourneyWorld.open({
    stores: 'memory',
    challengeCheck: {
      check: async ({ answer }) => {
        asked.push(answer);
        return answer === 'solved' ? 'passed' : 'required';
      },
    },
  });
});

afterAll(() => world[Symbol.asyncDispose]());

describe('a relay that wants a challenge solved before it sends a code  [security: sms-pumping]', () => {
  it('sends none without; one after the answer of `challenge`, for a registration and for another number', async () => {
    const alice = world.newcomer();
    await alice.open();
    expect(await failureOf(alice.register())).toMatchObject({ code: 'challenge-required', retryable: false });
    expect(await failureOf(alice.register({ challenge: () => 'wrong' }))).toMatchObject({ code: 'challenge-required' });
    expect(await failureOf(alice.register({ challenge: () => '' }))).toMatchObject({ code: 'argument-invalid' });
    expect(world.codes).toEqual([]);
    asked.length = 0;
    await alice.register({ challenge: async () => 'solved' });
    expect([asked, world.codes.length]).toEqual([[undefined, 'solved'], 1]);
    const phone = world.phone(900);
    await alice.client.changeNumber({ phone, code: () => world.codeFor(phone), challenge: () => 'solved' });
    expect(alice.client.account?.number).toBe(phone);
  });
});
