import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Action, DeviceHistory, HistoryEntry } from './action.ts';
import { classify } from './classify.ts';
import { type AnomalyKind, anomalyKinds, type Counts } from './verdict.ts';

const sender = 'alice/1';
const receiver = 'bob/1';
const chat = 'alice+bob';

/** A run in which nothing went wrong: each message is invoked after the one before was answered, applied, acked and told. */
class Run {
  readonly actions: Action[] = [];
  own: HistoryEntry[] = [];
  others: HistoryEntry[] = [];
  #now = 0n;

  constructor(messages: readonly string[]) {
    for (const message of messages) {
      this.add({ type: 'send-invoke', ...this.about(message) });
      this.add({ type: 'send-result', outcome: 'accepted', ...this.about(message) });
      this.own.push({ message, sender, late: false });
      this.others.push({ message, sender, late: false });
    }
    for (const message of messages) {
      this.add({ type: 'apply', receiver, ...this.about(message) });
      this.add({ type: 'ack', receiver, ...this.about(message) });
      this.add({ type: 'deliver', receiver, late: false, ...this.about(message) });
    }
  }

  about(message: string) {
    return { at: ++this.#now, sender, chat, message };
  }

  add(action: Action): void {
    this.actions.push(action);
  }

  drop(type: Action['type'], message: string): void {
    const at = this.actions.findIndex((action) => action.type === type && action.message === message);
    this.actions.splice(at, 1);
  }

  histories(): DeviceHistory[] {
    return [
      { device: sender, chat, listens: true, messages: this.own },
      { device: receiver, chat, listens: true, messages: this.others },
    ];
  }

  counts(): Counts {
    return classify(this.actions, this.histories()).counts;
  }
}

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 12 });
const runs = names.chain((messages) =>
  fc.record({ messages: fc.constant(messages), at: fc.nat({ max: messages.length - 1 }), other: fc.nat() }),
);

/** Each counted class, what plants it, and what it must be called: every other class of anomaly stays empty. */
const plants: readonly {
  readonly name: string;
  readonly counted: keyof Counts;
  plant(run: Run, message: string, at: number): void;
}[] = [
  {
    name: 'an accepted message that the receiver does not have',
    counted: 'lost',
    plant: (run, message) => {
      run.others = run.others.filter((entry) => entry.message !== message);
    },
  },
  {
    name: 'an accepted message that its own sender does not have',
    counted: 'lost',
    plant: (run, message) => {
      run.own = run.own.filter((entry) => entry.message !== message);
    },
  },
  {
    name: 'an unanswered message that was told, and is nowhere',
    counted: 'lost',
    plant: (run, message) => {
      run.drop('send-result', message);
      run.others = run.others.filter((entry) => entry.message !== message);
    },
  },
  {
    name: 'a message that nobody sent',
    counted: 'unexpected',
    plant: (run, message) => {
      run.drop('send-invoke', message);
      run.drop('send-result', message);
      run.own = run.own.filter((entry) => entry.message !== message);
    },
  },
  {
    name: 'a message twice in one history',
    counted: 'duplicated',
    plant: (run, message, at) => {
      run.others.splice(at, 0, { message, sender, late: false });
    },
  },
  {
    name: 'a message that stands before an earlier one',
    counted: 'misordered',
    plant: (run, message) => {
      const [entry] = run.others.splice(
        run.others.findIndex((each) => each.message === message),
        1,
      );
      // The first goes to the end, any other to the front: each is one move.
      if (entry) run.others[run.own[0]?.message === message ? 'push' : 'unshift'](entry);
    },
  },
  {
    name: 'a message that was never told',
    counted: 'untold',
    plant: (run, message) => run.drop('deliver', message),
  },
];

describe('classify', () => {
  it('counts no loss where the receiver removed it again, as it may; it does where it did not', () => {
    fc.assert(
      fc.property(runs, ({ messages, at }) => {
        const run = new Run(messages);
        const message = messages[at] ?? '';
        run.others.splice(at, 1);
        expect(run.counts()).toMatchObject({ lost: 1, dropped: 0 });
        run.add({ type: 'drop', receiver, ...run.about(message) });
        expect(run.counts()).toMatchObject({ lost: 0, dropped: 1 });
      }),
    );
  });

  it('finds nothing where nothing went wrong', () => {
    fc.assert(
      fc.property(runs, ({ messages }) => {
        const run = new Run(messages);
        const verdict = classify(run.actions, run.histories());
        expect(verdict.ok).toBe(true);
        expect(verdict.counts).toMatchObject({ messages: messages.length, accepted: messages.length, ambiguous: 0 });
      }),
    );
  });

  it.each(plants)('finds $name', ({ counted, plant }) => {
    fc.assert(
      fc.property(runs, ({ messages, at }) => {
        const run = new Run(messages);
        plant(run, messages[at] ?? '', at);
        const verdict = classify(run.actions, run.histories());
        expect(verdict.ok).toBe(false);
        const found = anomalyKinds.filter((kind: AnomalyKind) => verdict.counts[kind] > 0);
        expect(found).toEqual([counted]);
        expect(verdict.anomalies.map(({ kind }) => kind)).toEqual(
          Array.from({ length: verdict.counts[counted] }, () => counted),
        );
      }),
    );
  });

  it('gives the same whatever the order of the actions', () => {
    fc.assert(
      fc.property(runs, fc.infiniteStream(fc.nat()), ({ messages, at }, order) => {
        const run = new Run(messages);
        plants[0]?.plant(run, messages[at] ?? '', at);
        const shuffled = run.actions
          .map((action) => ({ action, rank: order.next().value as number }))
          .sort((one, other) => one.rank - other.rank)
          .map(({ action }) => action);
        expect(classify(shuffled, run.histories()).counts).toEqual(run.counts());
      }),
    );
  });

  it('lets an unanswered message be everywhere or nowhere', () => {
    const there = new Run(['a', 'b', 'c']);
    there.drop('send-result', 'b');
    expect(there.counts()).toMatchObject({ ambiguous: 1, arrived: 1, lost: 0, unexpected: 0 });
    const gone = new Run(['a', 'c']);
    gone.add({ type: 'send-invoke', ...gone.about('b') });
    expect(gone.counts()).toMatchObject({ messages: 3, ambiguous: 1, arrived: 0, lost: 0 });
  });

  it('counts one that is flagged late as recovered, wherever it stands', () => {
    const run = new Run(['a', 'b', 'c']);
    run.others = ['b', 'a', 'c'].map((message) => ({ message, sender, late: message === 'a' }));
    expect(run.counts()).toMatchObject({ recovered: 1, misordered: 0 });
  });

  it('counts one whose sender was told that it will not come as expired, unless somebody had seen it', () => {
    const run = new Run(['a', 'b']);
    for (const type of ['apply', 'ack', 'deliver'] as const) run.drop(type, 'b');
    run.others.pop();
    expect(run.counts()).toMatchObject({ lost: 1, expired: 0 });
    run.add({ type: 'expire', ...run.about('b') });
    expect(run.counts()).toMatchObject({ lost: 0, expired: 1 });
    run.add({ type: 'apply', receiver, ...run.about('b') });
    expect(run.counts()).toMatchObject({ lost: 1, expired: 0 });
  });

  describe('of messages that are for some of a chat', () => {
    const third = 'cid/1';
    const held = (...messages: string[]) => messages.map((message) => ({ message, sender, late: false }));
    const withThird = (run: Run, ...messages: string[]): DeviceHistory[] => [
      ...run.histories(),
      { device: third, chat, listens: false, messages: held(...messages) },
    ];
    const address = (run: Run, message: string, receivers: string[], others: string[] = []) =>
      run.add({ type: 'address', receivers, others, ...run.about(message) });

    it('asks for those, lets others have them, and finds them unexpected with anybody else', () => {
      const run = new Run(['a', 'b', 'c']);
      address(run, 'a', [receiver, third]);
      address(run, 'b', [receiver], [third]);
      address(run, 'c', [receiver]);
      const counts = (...messages: string[]) => classify(run.actions, withThird(run, ...messages)).counts;
      expect(counts('a')).toMatchObject({ lost: 0, unexpected: 0 });
      expect(counts('a', 'b')).toMatchObject({ lost: 0, unexpected: 0 });
      expect(counts('b')).toMatchObject({ lost: 1, unexpected: 0 });
      expect(counts('a', 'c')).toMatchObject({ lost: 0, unexpected: 1 });
    });

    it('finds one lost with somebody of whom there is no history, and with its own sender', () => {
      const run = new Run(['a']);
      address(run, 'a', [receiver, third]);
      expect(run.counts().lost).toBe(1);
      address(run, 'a', [receiver]);
      expect(run.counts().lost).toBe(0);
      run.own.pop();
      expect(run.counts().lost).toBe(1);
    });

    it('goes by the last address, in whatever order they are read, and lets those of the ones before have it', () => {
      const run = new Run(['a']);
      address(run, 'a', [receiver, third]);
      address(run, 'a', [receiver]);
      for (const actions of [run.actions, run.actions.toReversed()]) {
        expect(classify(actions, withThird(run)).counts).toMatchObject({ lost: 0, unexpected: 0 });
        expect(classify(actions, withThird(run, 'a')).counts).toMatchObject({ lost: 0, unexpected: 0 });
      }
    });

    it('finds one lost with somebody who had it once, though they need not have had it', () => {
      const run = new Run(['a']);
      address(run, 'a', [receiver], [third]);
      run.add({ type: 'apply', receiver: third, ...run.about('a') });
      expect(classify(run.actions, withThird(run)).counts.lost).toBe(1);
    });

    it('counts one that could not be sent as failed where it is missing, unless it was seen there', () => {
      const run = new Run(['a']);
      address(run, 'a', [receiver, third]);
      run.add({ type: 'fail', ...run.about('a') });
      expect(classify(run.actions, withThird(run)).counts).toMatchObject({ lost: 0, failed: 1 });
      run.add({ type: 'ack', receiver: third, ...run.about('a') });
      expect(classify(run.actions, withThird(run)).counts).toMatchObject({ lost: 1, failed: 0 });
    });
  });

  it('does not count one that was refused, and finds it unexpected where it is', () => {
    const run = new Run(['a']);
    run.add({ type: 'send-invoke', ...run.about('b') });
    run.add({ type: 'send-result', outcome: 'refused', ...run.about('b') });
    expect(run.counts()).toMatchObject({ refused: 1, lost: 0 });
    run.others.push({ message: 'b', sender, late: false });
    expect(run.counts()).toMatchObject({ unexpected: 1 });
  });

  it('keeps a message open when one of its tries was, and accepted once it was accepted', () => {
    const run = new Run(['a']);
    for (const outcome of ['unknown', 'refused'] as const) {
      run.add({ type: 'send-invoke', ...run.about('b') });
      run.add({ type: 'send-result', outcome, ...run.about('b') });
    }
    expect(run.counts()).toMatchObject({ ambiguous: 1, refused: 0 });
    run.add({ type: 'send-result', outcome: 'accepted', ...run.about('b') });
    expect(run.counts()).toMatchObject({ accepted: 2, lost: 2 });
  });

  it('lets calls that were under way together come in any order, but in the same one on both sides', () => {
    const run = new Run([]);
    for (const message of ['a', 'b']) run.add({ type: 'send-invoke', ...run.about(message) });
    for (const message of ['a', 'b']) {
      run.add({ type: 'send-result', outcome: 'accepted', ...run.about(message) });
      run.add({ type: 'deliver', receiver, late: false, ...run.about(message) });
    }
    const entries = ['a', 'b'].map((message) => ({ message, sender, late: false }));
    run.own = entries;
    run.others = entries;
    expect(run.counts().misordered).toBe(0);
    run.own = entries.toReversed();
    run.others = entries;
    expect(run.counts().misordered).toBe(1);
  });

  it('finds messages lost that were sent into a chat of which there is no history', () => {
    const { actions } = new Run(['a', 'b']);
    expect(classify(actions, [])).toMatchObject({ ok: false, counts: { lost: 2 } });
  });

  it('counts by the sending device and its chat', () => {
    const run = new Run(['a', 'b']);
    run.others.pop();
    expect(classify(run.actions, run.histories()).streams).toMatchObject([
      { sender, chat, counts: { messages: 2, lost: 1 } },
    ]);
  });

  it('calls nothing at all not ok, but empty', () => {
    const quiet: DeviceHistory = { device: sender, chat, listens: true, messages: [] };
    for (const histories of [[], [quiet]]) {
      expect(classify([], histories)).toMatchObject({ ok: false, isEmpty: true, anomalies: [] });
    }
    const run = new Run(['a']);
    expect(classify(run.actions, run.histories())).toMatchObject({ ok: true, isEmpty: false });
  });

  it('says how far a lost message got', () => {
    const run = new Run(['a', 'b']);
    run.drop('deliver', 'b');
    run.others.pop();
    expect(classify(run.actions, run.histories()).anomalies).toMatchObject([
      {
        kind: 'lost',
        message: 'b',
        device: receiver,
        outcome: 'accepted',
        applied: true,
        acked: true,
        delivered: false,
      },
    ]);
  });
});
