import type { EventFact, Store, StoreOpener } from '@sotto/sdk/ports';
import type { SeenFact } from './client-calls.ts';

const many = 100_000;

/** A store as it is, and a look into it that the client's interface does not give. */
export interface ObservedStore {
  readonly opener: StoreOpener;
  /** How many commits there were. */
  readonly commits: number;
  /** @throws {Error} before the store was opened */
  store(): Store;
  /** Whether outbox, held envelopes and gaps are empty. */
  isQuiet(): Promise<boolean>;
  /** What was written into the change log since. */
  factsSince(changeSeq: number): Promise<{ readonly facts: readonly SeenFact[]; readonly latest: number }>;
}

/** Lets a test look at the store that a client works on; `onCommit` is called after each commit. */
export function observedStore(inner: StoreOpener, onCommit: () => void): ObservedStore {
  let opened: Store | undefined;
  let commits = 0;
  const store = () => {
    if (opened === undefined) throw new Error('the store was not opened');
    return opened;
  };
  return {
    opener: {
      async open() {
        const { store: real, opening } = await inner.open();
        opened = real;
        const watched = new Proxy(real, {
          get(target, name) {
            if (name === 'commit') {
              return async (...args: Parameters<Store['commit']>) => {
                await target.commit(...args);
                commits++;
                onCommit();
              };
            }
            const value: unknown = Reflect.get(target, name, target);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        });
        return { store: watched, opening };
      },
    },
    get commits() {
      return commits;
    },
    store,
    async isQuiet() {
      if ((await store().outboxChats()).length > 0 || (await store().held(1)).length > 0) return false;
      for (const { id, userId } of await store().chats(undefined, many)) {
        if (userId === undefined) continue;
        const stream = await store().get('stream', { chatId: id, userId, deviceId: 1 as never });
        if (stream !== undefined && stream.gaps.length > 0) return false;
      }
      return true;
    },
    async factsSince(changeSeq) {
      const records = await store().events(changeSeq, many);
      return { facts: records.map(({ fact }) => seenFact(fact)), latest: records.at(-1)?.changeSeq ?? changeSeq };
    },
  };
}

function seenFact(fact: EventFact): SeenFact {
  if ('messageId' in fact) return { type: fact.type, about: fact.messageId };
  if ('chatId' in fact) return { type: fact.type, about: fact.chatId };
  if ('deviceId' in fact) return { type: fact.type, about: String(fact.deviceId) };
  return { type: fact.type, about: 'userId' in fact ? fact.userId : fact.digest };
}
