import { Content } from '@sotto/proto';
import type { Change, StoreOpener } from '@sotto/sdk/ports';

/** A planted bug: a client that has sent something to somebody does not tell its account's other devices. */
export function withoutSync(inner: StoreOpener): StoreOpener {
  return {
    async open() {
      const { store, opening } = await inner.open();
      const deaf = new Proxy(store, {
        get(target, name) {
          if (name === 'commit') {
            return (changes: readonly Change[], ownerEpoch: number) =>
              target.commit(
                changes.filter((change) => !tellsOfSent(change)),
                ownerEpoch,
              );
          }
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      return { store: deaf, opening };
    },
  };
}

function tellsOfSent(change: Change): boolean {
  if (change.type !== 'put' || change.kind !== 'outbox' || change.record.visible) return false;
  return change.record.kind === 'content' && Content.decode(change.record.content).sync?.sent != null;
}
