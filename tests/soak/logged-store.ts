import type { Change, MessageRecord, Store, StoreOpener } from '@sotto/sdk/ports';

/** Tells of each message of others that a commit has put into a store, after the commit. */
export function loggedStore(inner: StoreOpener, onApplied: (message: MessageRecord) => void): StoreOpener {
  return {
    async open() {
      const { store, opening } = await inner.open();
      return { store: logged(store, onApplied), opening };
    },
  };
}

function logged(store: Store, onApplied: (message: MessageRecord) => void): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'commit') {
        return async (changes: readonly Change[], ownerEpoch: number) => {
          await target.commit(changes, ownerEpoch);
          for (const change of changes) {
            if (change.type !== 'put' || change.kind !== 'message' || change.changed !== undefined) continue;
            if (change.record.state === 'received') onApplied(change.record);
          }
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
