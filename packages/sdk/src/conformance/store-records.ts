import type { Change, Pruning, RecordKeys, RecordKind } from '../ports/changes.ts';
import { recordKey } from '../ports/record-key.ts';
import type { Store } from '../ports/store.ts';
import { withStore } from './open-store.ts';
import type { ConformanceRunner } from './runner.ts';
import { type Fill, SeededRecords } from './seeded-records.ts';
import type { MakeStoreHarness } from './store-harness.ts';
import { type KeyedRecord, recordKinds, StoreModel } from './store-model.ts';

const seeds = [1, 2, 3, 4, 5];

function drawRecord(draw: SeededRecords, kind: RecordKind): KeyedRecord {
  return { kind, record: draw.record(kind) } as KeyedRecord;
}

function put({ kind, record }: KeyedRecord): Change {
  return { type: 'put', kind, record } as Change;
}

/** Any record is a key of itself. */
function remove({ kind, record }: KeyedRecord): Change {
  return { type: 'delete', kind, key: record } as Change;
}

function drawPruning(draw: SeededRecords): Pruning {
  const kind = draw.pick(['seen', 'kyberUse', 'event', 'resend', 'groupHead', 'senderKeyShared'] as const);
  const before = draw.below(8);
  if (kind === 'groupHead') return { kind, groupId: draw.record('group').id, before };
  if (kind === 'senderKeyShared') return { kind, distributionId: draw.record('ownChain').distributionId };
  return { kind, before };
}

function drawChange(draw: SeededRecords): Change {
  const choice = draw.below(8);
  if (choice === 0) {
    return { type: 'prune', ...drawPruning(draw) };
  }
  const drawn = drawRecord(draw, draw.pick(recordKinds));
  return choice < 3 ? remove(drawn) : put(drawn);
}

function find<Kind extends RecordKind>(store: Store, { kind, record }: KeyedRecord<Kind>): Promise<unknown> {
  const key: RecordKeys[Kind] = record;
  return store.get(kind, key);
}

function keyOf<Kind extends RecordKind>({ kind, record }: KeyedRecord<Kind>): string {
  return recordKey(kind, record);
}

/** Records come back as they were put, whatever stands in them. */
export function storeRecordCases({ describe, it, expect }: ConformanceRunner, makeHarness: MakeStoreHarness): void {
  describe('records', () => {
    for (const kind of recordKinds) {
      it(
        `${kind}: comes back with all fields set and unset, replaces, and goes`,
        withStore(makeHarness, async ({ store, opening, harness: { opener } }) => {
          const fills: readonly Fill[] = ['all', 'none', 'some', 'some', 'some'];
          const kept = new Map<string, KeyedRecord>();
          for (const [index, fill] of fills.entries()) {
            const draw = new SeededRecords(1_000 * index + kind.length, fill, 4);
            for (let turn = 0; turn < 6; turn += 1) {
              const drawn = drawRecord(draw, kind);
              await store.commit([put(drawn)], opening.ownerEpoch);
              kept.set(keyOf(drawn), drawn);
            }
          }
          for (const one of kept.values()) expect(await find(store, one)).toEqual(one.record);
          await store.close();

          const again = await opener.open();
          for (const one of kept.values()) expect(await find(again.store, one)).toEqual(one.record);
          const removals = [...kept.values()].map(remove);
          await again.store.commit(removals, again.opening.ownerEpoch);
          // Removing what is not there is harmless.
          await again.store.commit(removals, again.opening.ownerEpoch);
          for (const one of kept.values()) expect(await find(again.store, one)).toBe(undefined);
          await again.store.close();
        }),
      );
    }

    it(
      'keeps copies: bytes that change later, on either side, change nothing',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const key = Uint8Array.of(1, 2, 3);
        const record = Uint8Array.of(4, 5, 6);
        const put = { kind: 'ec', id: 1, record, createdAt: 1, replacedAt: undefined, uploaded: false } as const;
        await store.commit(
          [
            { type: 'put', kind: 'prekey', record: put },
            { type: 'put', kind: 'seen', record: { key, at: 1 } },
          ],
          ownerEpoch,
        );
        record.fill(0);
        key.fill(0);
        const read = await store.get('prekey', { kind: 'ec', id: 1 });
        expect(read?.record).toEqual(Uint8Array.of(4, 5, 6));
        read?.record.fill(9);
        expect((await store.get('prekey', { kind: 'ec', id: 1 }))?.record).toEqual(Uint8Array.of(4, 5, 6));
        expect(await store.get('seen', { key: Uint8Array.of(1, 2, 3) })).toEqual({
          key: Uint8Array.of(1, 2, 3),
          at: 1,
        });
      }),
    );

    for (const seed of seeds) {
      it(
        `agrees with a plain model over random commits, refused ones and reopenings (seed ${seed})`,
        withStore(makeHarness, async ({ store: first, opening: firstOpening, harness: { opener } }) => {
          const draw = new SeededRecords(seed, 'some', 5);
          const model = new StoreModel();
          let store = first;
          let opening = firstOpening;
          for (let round = 0; round < 40; round += 1) {
            const changes = Array.from({ length: draw.below(12) }, () => drawChange(draw));
            if (draw.below(6) === 0) {
              const bad = {
                type: 'put',
                kind: 'cursor',
                record: { name: 'bad', changeSeq: 0.5, usedAt: 1, expired: false },
              } as const;
              const middle = draw.below(changes.length + 1);
              const refused = [...changes.slice(0, middle), bad, ...changes.slice(middle)];
              const failed = await store.commit(refused, opening.ownerEpoch).then(
                () => false,
                () => true,
              );
              expect(failed).toBe(true);
            } else {
              await store.commit(changes, opening.ownerEpoch);
              model.apply(changes);
            }
            if (draw.below(10) === 0) {
              await store.close();
              const again = await opener.open();
              store = again.store;
              opening = again.opening;
              expect(opening.counters).toEqual(model.counters);
            }
            const place = { position: draw.below(20), seq: draw.below(20) };
            const limit = 1 + draw.below(5);
            for (const query of [...model.queries(store, limit, place), ...model.groupQueries(store, limit, place)]) {
              expect({ [query.name]: await query.actual }).toEqual({ [query.name]: query.expected });
            }
          }
          for (const kind of recordKinds) {
            for (const record of model.all(kind)) {
              const one = { kind, record } as KeyedRecord;
              expect(await find(store, one)).toEqual(record);
            }
          }
          await store.close();
        }),
      );
    }
  });
}
