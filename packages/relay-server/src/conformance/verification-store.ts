import { randomUUID } from 'node:crypto';
import type { Verification, VerificationAttempt, VerificationStore } from '../ports/verification-store.ts';
import { type HarnessMaker, hex, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { someBytes, someNumber, start } from './samples.ts';

const minute = 60_000;

function code(change: Partial<Verification> = {}): Verification {
  return {
    id: randomUUID(),
    numberMac: someNumber(),
    numberCiphertext: someBytes(40),
    codeMac: someBytes(32),
    createdAt: start,
    expiresAt: start + 10 * minute,
    ...change,
  };
}

/** What every `VerificationStore` must hold. */
export function verificationStoreConformance(
  runner: Runner,
  maker: HarnessMaker<{ readonly verifications: VerificationStore }>,
): void {
  const { expect } = runner;

  function attempt(
    store: VerificationStore,
    { id }: Verification,
    codeMac: Uint8Array,
    claim: Uint8Array = someBytes(16),
    now = start,
  ): Promise<VerificationAttempt> {
    return store.attempt({ id, codeMac, claim, maxAttempts: 5, now });
  }

  suite(runner, 'VerificationStore', maker, ({ check, checkWith }) => {
    check('the right code gives the number, byte for byte', async ({ stores: { verifications } }) => {
      const sent = code();
      expect(await verifications.start(sent, minute)).toEqual({ status: 'started' });
      const answer = await attempt(verifications, sent, sent.codeMac);
      const given = answer.status === 'right' ? [hex(answer.numberMac), hex(answer.numberCiphertext)] : [answer.status];
      expect(given).toEqual([hex(sent.numberMac), hex(sent.numberCiphertext)]);
    });

    check('tells whose number a code was sent to, while it is known', async ({ stores: { verifications } }) => {
      const sent = code();
      expect(await verifications.numberOf(sent.id)).toBe(undefined);
      await verifications.start(sent, minute);
      expect(hex(await verifications.numberOf(sent.id))).toBe(hex(sent.numberMac));
      await verifications.sweep(sent.expiresAt + 1);
      expect(await verifications.numberOf(sent.id)).toBe(undefined);
    });

    check('wrong codes count down; after the fifth even the right one is void', async ({ stores }) => {
      const sent = code();
      await stores.verifications.start(sent, minute);
      for (const attemptsLeft of [4, 3, 2, 1, 0]) {
        const answer = await attempt(stores.verifications, sent, someBytes(32));
        expect(answer).toEqual({ status: 'wrong', attemptsLeft });
      }
      expect(await attempt(stores.verifications, sent, sent.codeMac)).toEqual({ status: 'void' });
    });

    check('parallel guesses count: of a hundred, five are answered', async ({ stores: { verifications } }) => {
      const sent = code();
      await verifications.start(sent, minute);
      const guesses = await Promise.all(Array.from({ length: 100 }, () => attempt(verifications, sent, someBytes(32))));
      expect(guesses.filter(({ status }) => status === 'wrong').length).toBe(5);
      expect(guesses.filter(({ status }) => status === 'void').length).toBe(95);
      expect((await attempt(verifications, sent, sent.codeMac)).status).toBe('void');
    });

    check('a right code is claimed: right again for its claim, used for any other', async ({ stores }) => {
      const { verifications } = stores;
      const sent = code();
      const claim = someBytes(16);
      await verifications.start(sent, minute);
      expect((await attempt(verifications, sent, sent.codeMac, claim)).status).toBe('right');
      for (let count = 0; count < 10; count++) {
        expect((await attempt(verifications, sent, sent.codeMac, claim)).status).toBe('right');
      }
      expect((await attempt(verifications, sent, sent.codeMac)).status).toBe('used');
      expect((await attempt(verifications, sent, someBytes(32), claim)).status).toBe('used');
      expect((await attempt(verifications, sent, sent.codeMac, claim, sent.expiresAt)).status).toBe('expired');
    });

    check('of parallel claims one wins', async ({ stores: { verifications } }) => {
      const sent = code();
      await verifications.start(sent, minute);
      const claims = await Promise.all(Array.from({ length: 20 }, () => attempt(verifications, sent, sent.codeMac)));
      expect(claims.filter(({ status }) => status === 'right').length).toBe(1);
      expect(claims.filter(({ status }) => status === 'used').length).toBe(19);
    });

    check('expires to the millisecond', async ({ stores: { verifications } }) => {
      const [early, late] = [code(), code()];
      for (const sent of [early, late]) await verifications.start(sent, minute);
      expect((await attempt(verifications, early, early.codeMac, someBytes(16), early.expiresAt - 1)).status).toBe(
        'right',
      );
      expect((await attempt(verifications, late, late.codeMac, someBytes(16), late.expiresAt)).status).toBe('expired');
    });

    check('a new code voids the earlier one, and may be asked for after a pause', async ({ stores }) => {
      const { verifications } = stores;
      const first = code();
      const { numberMac } = first;
      await verifications.start(first, minute);
      const early = code({ numberMac, createdAt: start + minute - 1 });
      expect(await verifications.start(early, minute)).toEqual({ status: 'too-soon', retryAfterMs: 1 });
      expect((await attempt(verifications, early, early.codeMac)).status).toBe('unknown');
      const second = code({ numberMac, createdAt: start + minute });
      expect(await verifications.start(second, minute)).toEqual({ status: 'started' });
      expect((await attempt(verifications, first, first.codeMac)).status).toBe('void');
      expect((await attempt(verifications, second, second.codeMac)).status).toBe('right');
    });

    check('of parallel starts for one number one wins; other numbers are free', async ({ stores }) => {
      const numberMac = someNumber();
      const starts = Array.from({ length: 20 }, () => stores.verifications.start(code({ numberMac }), minute));
      const answers = await Promise.all(starts);
      expect(answers.filter(({ status }) => status === 'started').length).toBe(1);
      expect((await stores.verifications.start(code(), minute)).status).toBe('started');
    });

    check('a clock that was set back bars a number no longer than the pause', async ({ stores }) => {
      const first = code({ createdAt: start + 100 * minute });
      await stores.verifications.start(first, minute);
      const answer = await stores.verifications.start(code({ numberMac: first.numberMac }), minute);
      expect(answer).toEqual({ status: 'too-soon', retryAfterMs: minute });
    });

    check('a code that was taken back is unknown, and the number may ask at once', async ({ stores }) => {
      const { verifications } = stores;
      const first = code();
      await verifications.start(first, minute);
      await verifications.cancel(first.id);
      await verifications.cancel(randomUUID());
      expect((await attempt(verifications, first, first.codeMac)).status).toBe('unknown');
      const next = code({ numberMac: first.numberMac });
      expect((await verifications.start(next, minute)).status).toBe('started');
    });

    check('sweeps what has expired, and no more', async ({ stores: { verifications } }) => {
      const [old, live] = [code(), code({ expiresAt: start + 10 * minute + 1 })];
      for (const sent of [old, live]) await verifications.start(sent, minute);
      expect(await verifications.sweep(start + 10 * minute)).toBe(0);
      expect(await verifications.sweep(start + 10 * minute + 1)).toBe(1);
      expect((await attempt(verifications, old, old.codeMac)).status).toBe('unknown');
      expect((await attempt(verifications, live, live.codeMac)).status).toBe('right');
    });

    check('an id that nobody knows is unknown', async ({ stores: { verifications } }) => {
      expect((await attempt(verifications, code(), someBytes(32))).status).toBe('unknown');
    });

    checkWith('reopen', 'tries and claims outlive a restart', async (harness) => {
      const [guessed, claimed] = [code(), code()];
      const claim = someBytes(16);
      for (const sent of [guessed, claimed]) await harness.stores.verifications.start(sent, minute);
      for (let tries = 0; tries < 4; tries++) await attempt(harness.stores.verifications, guessed, someBytes(32));
      await attempt(harness.stores.verifications, claimed, claimed.codeMac, claim);
      await harness.reopen();
      const { verifications } = harness.stores;
      expect(await attempt(verifications, guessed, someBytes(32))).toEqual({ status: 'wrong', attemptsLeft: 0 });
      expect((await attempt(verifications, claimed, claimed.codeMac)).status).toBe('used');
      expect((await attempt(verifications, claimed, claimed.codeMac, claim)).status).toBe('right');
    });
  });
}
