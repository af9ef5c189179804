import type { Mailbox } from '@sotto/relay-server/ports';
import { type MemoryDisk, memoryStore } from '@sotto/sdk';
import type { StoreOpener } from '@sotto/sdk/ports';
import type { ScheduleOptions } from '../src/schedule/run-schedule.ts';
import { copyDisk } from '../src/world/copy-disk.ts';
import type { WrapStores } from '../src/world/world-relay.ts';

/** Bugs that a messenger could have, each as what a schedule is run with. */
export const plantedBugs: Readonly<Record<string, Pick<ScheduleOptions, 'store' | 'wrapStores'>>> = {
  'a client that acks before its commit is durable': { store: lazyStore },
  'a relay that gives the result before the mail is durable': { wrapStores: resultsBeforeMail },
  'a client that does not remember the digests of what it opened': { store: forgetfulStore },
  'a relay that forgets mail when it hands it over': { wrapStores: deliversOnce },
};

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A store whose commits resolve before they are durable: a crash within three turns of the event loop undoes them. */
function lazyStore(disk: MemoryDisk): StoreOpener {
  return {
    async open() {
      const undo = undone.get(disk);
      if (undo !== undefined) restore(disk, undo);
      undone.delete(disk);
      const { store, opening } = await memoryStore(disk).open();
      const lazy = wrapped(store, {
        async commit(changes: Parameters<typeof store.commit>[0], ownerEpoch: number) {
          const before = undone.get(disk) ?? copyDisk(disk);
          undone.set(disk, before);
          await store.commit(changes, ownerEpoch);
          // What the disk does later, and by itself.
          void (async () => {
            for (let turns = 0; turns < 3; turns++) await turn();
            if (undone.get(disk) === before && disk.ownerEpoch === ownerEpoch && isLocked(disk)) undone.delete(disk);
          })();
        },
        async close() {
          undone.delete(disk);
          await store.close();
        },
      });
      return { store: lazy, opening };
    },
  };
}

const undone = new WeakMap<MemoryDisk, MemoryDisk>();

function isLocked(disk: MemoryDisk): boolean {
  const probe = {};
  if (!disk.lock(probe)) return true;
  disk.unlock(probe);
  return false;
}

function restore(disk: MemoryDisk, from: MemoryDisk): void {
  for (const kind of Object.keys(disk.tables) as (keyof MemoryDisk['tables'])[]) {
    const into: Map<string, unknown> = disk.tables[kind];
    into.clear();
    for (const [key, record] of from.tables[kind]) into.set(key, record);
  }
  disk.counters = from.counters;
}

/** A store that drops the digests of ciphertexts, so that what comes again is not known. */
function forgetfulStore(disk: MemoryDisk): StoreOpener {
  return {
    async open() {
      const { store, opening } = await memoryStore(disk).open();
      const forgetful = wrapped(store, {
        commit: (changes: Parameters<typeof store.commit>[0], ownerEpoch: number) =>
          store.commit(
            changes.filter(
              (change) => change.type !== 'put' || change.kind !== 'seen' || change.record.key.length !== 32,
            ),
            ownerEpoch,
          ),
      });
      return { store: forgetful, opening };
    },
  };
}

/** Says that mail was accepted, and stores it two turns later, if it still runs then. */
function resultsBeforeMail(...[stores, run]: Parameters<WrapStores>): ReturnType<WrapStores> {
  const { mailbox } = stores;
  const append: Mailbox['append'] = async (given, quota) => {
    void (async () => {
      await turn();
      await turn();
      if (run.alive) await mailbox.append(given, quota);
    })();
    const { acceptedAt, expiresAt, recipients } = given;
    const results = recipients.map(({ userId, items }) => ({
      userId,
      status: 'accepted' as const,
      devices: items.map(({ deviceId }) => ({ deviceId, status: 'accepted' as const })),
    }));
    return { repeated: false, acceptedAt, expiresAt, results };
  };
  return { ...stores, mailbox: wrapped(mailbox, { append }) };
}

/** Deletes what it delivers, without waiting for the ack. */
function deliversOnce(...[stores]: Parameters<WrapStores>): ReturnType<WrapStores> {
  const { mailbox } = stores;
  const reader: Mailbox['reader'] = (device) => {
    const inner = mailbox.reader(device);
    return {
      next: async (limit, now) => {
        const entries = await inner.next(limit, now);
        await mailbox.ack(
          device,
          entries.map(({ deliveryId }) => deliveryId),
        );
        return entries;
      },
    };
  };
  return { ...stores, mailbox: wrapped(mailbox, { reader }) };
}

/** An object with some of its methods replaced. */
function wrapped<Target extends object>(target: Target, replaced: Partial<Target>): Target {
  return new Proxy(target, {
    get(_, name) {
      const own: unknown = Reflect.get(replaced, name);
      if (own !== undefined) return own;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
