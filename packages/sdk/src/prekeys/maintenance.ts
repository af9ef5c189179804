import type { PrekeyCount } from '@sotto/proto';
import { usableAccount } from '../accounts/standing.ts';
import { clientStopped } from '../client-stopped.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Clock } from '../ports/clock.ts';
import type { PrekeyRecord } from '../ports/key-records.ts';
import type { Logger } from '../ports/logger.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { ClientStep, Tracer } from '../ports/tracer.ts';
import { SottoError } from '../sotto-error.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import { countPrekeys, uploadPrekeys } from '../transport/prekey-calls.ts';
import { PrekeyIds } from './prekey-id.ts';
import { fullSet, makePrekeys, uploadOf } from './prekey-material.ts';
import { planPrekeys, superseded } from './prekey-plan.ts';

/** What `PrekeyMaintenance` works with. */
export interface PrekeyMaintenanceParts {
  readonly executor: Executor;
  readonly queries: Pick<StoreQueries, 'prekeys'>;
  readonly http: AuthorizedClient;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly logger: Logger;
  readonly tracer: Tracer;
}

/**
 * Keeps the own prekeys in order, here and at the relay, in the background.
 *
 * Keys are committed before they are uploaded, and uploads are idempotent: a crash between any two steps is mended by the next pass.
 */
export class PrekeyMaintenance {
  readonly #parts: PrekeyMaintenanceParts;
  readonly #ending = new AbortController();
  #working: Promise<void> | undefined;
  #again = false;
  #failed = false;

  constructor(parts: PrekeyMaintenanceParts) {
    this.#parts = parts;
  }

  /** Something may be to do: makes a pass, or another one when one is under way. A failure is logged, and `retry` or the next `wake` mends it. */
  wake(): void {
    if (this.#ending.signal.aborted) return;
    this.#again = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** There is a connection: makes another pass if the last one failed. */
  retry(): void {
    if (this.#failed) this.wake();
  }

  /** Gives up what is under way. Idempotent. */
  async stop(): Promise<void> {
    this.#ending.abort(clientStopped());
    await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#again && !this.#ending.signal.aborted) {
      this.#again = false;
      try {
        await this.pass();
        this.#failed = false;
      } catch (error) {
        this.#failed = true;
        const code = error instanceof SottoError ? (error.relayCode ?? error.code) : 'internal';
        this.#parts.logger.warn('prekeys.failed', { code });
      }
    }
  }

  /**
   * Replaces what is old, removes what is too old, makes what is missing, and uploads all that the relay has not got.
   * @throws {SottoError} as AuthorizedClient, and what the store throws
   */
  async pass(): Promise<void> {
    const left = await countPrekeys(this.#parts.http, { signal: this.#ending.signal });
    const { waiting, replaced } = await this.#commitPlan(left);
    await this.#note(replaced, (prekey) => ({ ...prekey, replacedAt: this.#parts.clock.now() }));
    for (let at = 0; at < waiting.length; at += fullSet) await this.#upload(waiting.slice(at, at + fullSet));
  }

  /** Gives what the relay has not got, standing keys first; and what it gives to nobody any more. */
  #commitPlan(left: PrekeyCount): Promise<Planned> {
    const { executor, queries, clock, randomness } = this.#parts;
    return executor.run(
      ['account', 'prekeys'],
      async (overlay) => {
        // It may have ended since the relay was asked: then no key is made for it any more.
        const { identityKeyPair } = usableAccount(await overlay.get('account', {}));
        // Keys of an identity key that is on its way go with its list; those of the one before would end with it.
        if ((await overlay.get('listIntent', {}))?.identityKeyPair !== undefined) return { waiting: [], replaced: [] };
        const now = clock.now();
        const own = await queries.prekeys();
        const { make, replace, remove } = planPrekeys(own, left, now);
        const made = makePrekeys(make, { identityKeyPair, ids: new PrekeyIds(randomness, own), now });
        for (const prekey of remove) overlay.delete('prekey', { kind: prekey.kind, id: prekey.id });
        for (const prekey of made) overlay.put('prekey', prekey);
        const kept = own.filter((prekey) => !replace.includes(prekey) && !remove.includes(prekey));
        const waiting = [...kept, ...made].filter(({ uploaded, replacedAt }) => !uploaded && replacedAt === undefined);
        waiting.sort((a, b) => Number(isOneTime(a)) - Number(isOneTime(b)));
        return { waiting, replaced: replace };
      },
      { after: 'prekeys.committed' },
    );
  }

  async #upload(prekeys: readonly PrekeyRecord[]): Promise<void> {
    const { http, tracer } = this.#parts;
    try {
      await uploadPrekeys(http, uploadOf(prekeys), { signal: this.#ending.signal });
    } catch (error) {
      if (error instanceof SottoError && error.relayCode === 'prekey-conflict') await this.#discard(prekeys);
      throw error;
    }
    tracer.reached('prekeys.uploaded');
    await this.#note(prekeys, (prekey) => ({ ...prekey, uploaded: true }), 'prekeys.recorded');
    await this.#noteSuperseded();
  }

  /** Not while keys of another identity key are on their way: they are neither here nor there, and by a clock that was set back the older ones. */
  async #noteSuperseded(): Promise<void> {
    const { executor, queries, clock } = this.#parts;
    await executor.run(
      ['account', 'prekeys'],
      async (overlay) => {
        if ((await overlay.get('listIntent', {}))?.identityKeyPair !== undefined) return;
        for (const prekey of superseded(await queries.prekeys()))
          overlay.put('prekey', { ...prekey, replacedAt: clock.now() });
      },
      { alone: true },
    );
  }

  /** A key may have been used since: then it is gone, and stays so. */
  async #note(
    prekeys: readonly PrekeyRecord[],
    noted: (prekey: PrekeyRecord) => PrekeyRecord,
    after?: ClientStep,
  ): Promise<void> {
    if (prekeys.length === 0) return;
    await this.#parts.executor.run(
      ['prekeys', ...prekeys.filter(isOneTime).map(({ kind, id }) => `prekey:${kind}.${id}`)],
      async (overlay) => {
        for (const { kind, id } of prekeys) {
          const prekey = await overlay.get('prekey', { kind, id });
          if (prekey) overlay.put('prekey', noted(prekey));
        }
      },
      after && { after },
    );
  }

  /** The relay remembers other keys under these ids. Nobody got the new ones: the next pass makes others. */
  async #discard(prekeys: readonly PrekeyRecord[]): Promise<void> {
    await this.#parts.executor.run(['prekeys'], (overlay) => {
      for (const { kind, id } of prekeys) overlay.delete('prekey', { kind, id });
    });
  }
}

/** What a pass has to tell the relay, and to note here. */
interface Planned {
  readonly waiting: readonly PrekeyRecord[];
  readonly replaced: readonly PrekeyRecord[];
}

function isOneTime({ kind }: PrekeyRecord): boolean {
  return kind === 'ec' || kind === 'kyber';
}
