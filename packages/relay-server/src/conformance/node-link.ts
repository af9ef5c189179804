import type { NodeLink, NodeLinkLimits, NodeReply } from '../ports/node-link.ts';
import { hex, refusalOf } from './harness.ts';
import { NodeDesk } from './node-desk.ts';
import type { Runner } from './runner.ts';
import { someBytes } from './samples.ts';

/** One node under test. */
export interface LinkedNode {
  readonly link: NodeLink;
  /** It is gone without a word: nothing is drained. */
  crash(): Promise<void>;
  /** Starts it anew at the same address, after a crash. */
  restart(): Promise<LinkedNode>;
  /** Breaks the connections of others to it, and none can be made. */
  cut(): void;
  /** What others send to it vanishes from now on, and what it answers them; nobody is told. */
  stall(): void;
  /** Others reach it again. */
  heal(): void;
}

/** The nodes of one case. */
export interface NodeLinkHarness {
  /** Starts a node; what isn't given of the limits is the adapter's default. */
  start(limits?: Partial<NodeLinkLimits>): Promise<LinkedNode>;
  /** Lets this time pass for the timers of all nodes, and their sockets come to rest as far as it is known when. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Makes harnesses, one for each case. */
export interface NodeLinkHarnessMaker {
  open(): Promise<NodeLinkHarness>;
}

/** Far more than any case takes. */
const ample = { timeoutMs: 86_400_000 };
const second = { timeoutMs: 1_000 };
const notDone = (status: string) => ({ status, mayHaveArrived: false });
const unknown = (status: string) => ({ status, mayHaveArrived: true });

/** What every `NodeLink` must hold. */
export function nodeLinkConformance({ describe, it, expect }: Runner, maker: NodeLinkHarnessMaker): void {
  const check = (title: string, body: (harness: NodeLinkHarness) => Promise<void>) =>
    it(title, async () => {
      const harness = await maker.open();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    });

  /** Lets time pass until it has come to its end. */
  async function settled<T>(harness: NodeLinkHarness, promise: Promise<T>): Promise<T> {
    let isOver = false;
    const over = promise.finally(() => {
      isOver = true;
    });
    over.catch(() => undefined);
    while (!isOver) await harness.pass(20);
    return over;
  }

  /** Starts a node with a desk. */
  async function serving(harness: NodeLinkHarness, limits?: Partial<NodeLinkLimits>) {
    const node = await harness.start(limits);
    const desk = new NodeDesk();
    node.link.serve(desk.handler);
    return { ...node, node, desk };
  }

  /** One that answers what it is told, and one who has been answered: the way is there. */
  async function connected(harness: NodeLinkHarness, limits?: Partial<NodeLinkLimits>) {
    const asker = await harness.start(limits);
    const other = await serving(harness, limits);
    const asked = asker.link.request(other.link.node, someBytes(1), ample);
    (await other.desk.call(0)).answer(someBytes(1));
    await asked;
    other.desk.calls.length = 0;
    return { asker, other, desk: other.desk, node: other.link.node };
  }

  const text = (reply: NodeReply) => (reply.status === 'answered' ? hex(reply.answer) : reply);
  const numbered = (number: number) => new Uint8Array([number >>> 8, number & 255]);
  const numberOf = (bytes: Uint8Array) => (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0);

  describe('NodeLink', () => {
    check('a request is answered, and the handler knows by whom it was asked', async (harness) => {
      const asker = await harness.start();
      const other = await serving(harness);
      for (const [index, size] of [0, 1, 1024, 300_000].entries()) {
        const [message, answer] = [someBytes(size), someBytes(size)];
        const asked = asker.link.request(other.link.node, message, ample);
        const call = await other.desk.call(index);
        expect([call.from, hex(call.message)]).toEqual([asker.link.node, hex(message)]);
        call.answer(answer);
        expect(text(await asked)).toBe(hex(answer));
      }
    });

    check('both ask each other at once, and a node itself', async (harness) => {
      const [one, other] = [await serving(harness), await serving(harness)];
      const asked = [
        one.link.request(other.link.node, someBytes(1), ample),
        other.link.request(one.link.node, someBytes(1), ample),
        one.link.request(one.link.node, someBytes(1), ample),
      ];
      (await other.desk.call(0)).answer(numbered(1));
      const calls = [await one.desk.call(0), await one.desk.call(1)];
      expect(calls.map(({ from }) => from).sort()).toEqual([one.link.node, other.link.node].sort());
      for (const call of calls) call.answer(numbered(call.from === one.link.node ? 3 : 2));
      expect((await Promise.all(asked)).map(text)).toEqual([1, 2, 3].map((number) => hex(numbered(number))));
    });

    check('thousands are under way at once and answered in any order', async (harness) => {
      const { asker, desk, node } = await connected(harness);
      const asked = Array.from({ length: 3000 }, (_, number) => asker.link.request(node, numbered(number), ample));
      await desk.call(2999);
      for (const call of [...desk.calls].reverse()) call.answer(call.message);
      const replies = await Promise.all(asked);
      expect(replies.findIndex((reply, number) => text(reply) !== hex(numbered(number)))).toBe(-1);
    });

    check('requests and tells are handed over in the order of their calls', async (harness) => {
      const asker = await harness.start();
      const other = await serving(harness);
      const asked: Promise<unknown>[] = [];
      for (let number = 0; number < 1000; number++) {
        const message = new Uint8Array(2 + (number % 7) * 1000);
        message.set(numbered(number));
        if (number % 3 === 0) asker.link.tell(other.link.node, message);
        else asked.push(asker.link.request(other.link.node, message, ample));
      }
      await other.desk.call(999);
      expect(other.desk.calls.findIndex(({ message }, number) => numberOf(message) !== number)).toBe(-1);
      for (const call of other.desk.calls) call.answer(numbered(0));
      await Promise.all(asked);
    });

    check('a tell arrives once, whatever the handler makes of it', async (harness) => {
      const { asker, desk, node } = await connected(harness);
      for (let number = 0; number < 4; number++) asker.link.tell(node, numbered(number));
      (await desk.call(0)).answer(someBytes(10));
      (await desk.call(1)).fail();
      const asked = asker.link.request(node, numbered(4), ample);
      (await desk.call(4)).answer(numbered(9));
      expect(text(await asked)).toBe(hex(numbered(9)));
      expect(desk.calls.map(({ message }) => numberOf(message))).toEqual([0, 1, 2, 3, 4]);
    });

    check('a tell to nobody, to a node that is cut off or over a closed link is harmless', async (harness) => {
      const { asker, other, desk, node } = await connected(harness);
      asker.link.tell('nobody.invalid:1/0123456789abcdef', someBytes(1));
      asker.link.tell('no name of a node', someBytes(1));
      other.cut();
      asker.link.tell(node, someBytes(1));
      await settled(harness, asker.link.close());
      asker.link.tell(node, someBytes(1));
      await harness.pass(20);
      expect(desk.calls.length).toBe(0);
    });

    check(
      'its time is over: the outcome is unknown, the handler is told, a late answer goes nowhere',
      async (harness) => {
        const { asker, desk, node } = await connected(harness);
        const asked = asker.link.request(node, numbered(1), second);
        const call = await desk.call(0);
        await harness.pass(900);
        expect(call.signal.aborted).toBe(false);
        await harness.pass(1_000);
        expect(await asked).toEqual(unknown('timed-out'));
        await call.givenUp;
        call.answer(numbered(1));
        const next = asker.link.request(node, numbered(2), ample);
        (await desk.call(1)).answer(numbered(2));
        expect(text(await next)).toBe(hex(numbered(2)));
      },
    );

    check('no time at all is over at once, and nothing is sent', async (harness) => {
      const { asker, desk, node } = await connected(harness);
      for (const timeoutMs of [0, -1, Number.NaN]) {
        expect(await asker.link.request(node, numbered(0), { timeoutMs })).toEqual(notDone('timed-out'));
      }
      const next = asker.link.request(node, numbered(7), { timeoutMs: Number.POSITIVE_INFINITY });
      const call = await desk.call(0);
      call.answer(call.message);
      expect(text(await next)).toBe(hex(numbered(7)));
    });

    check('who gives up gets the reason of the signal, and the handler is told', async (harness) => {
      const { asker, desk, node } = await connected(harness);
      const [patience, reason] = [new AbortController(), new Error('enough')];
      const asked = Array.from({ length: 20 }, (_, number) =>
        asker.link.request(node, numbered(number), { ...ample, signal: patience.signal }),
      );
      const outcomes = Promise.all(asked.map((each) => refusalOf(each)));
      await desk.call(19);
      patience.abort(reason);
      expect(await outcomes).toEqual(asked.map(() => reason));
      await Promise.all(desk.calls.map(({ givenUp }) => givenUp));
      expect(await refusalOf(asker.link.request(node, numbered(20), { ...ample, signal: patience.signal }))).toBe(
        reason,
      );
      const next = asker.link.request(node, numbered(21), ample);
      const call = await desk.call(20);
      call.answer(call.message);
      expect(text(await next)).toBe(hex(numbered(21)));
    });

    check('a handler that throws or answers too much has failed, and the others go on', async (harness) => {
      const { asker, desk, node } = await connected(harness, { mostMessageBytes: 1000 });
      const asked = [1, 2, 3].map((number) => asker.link.request(node, numbered(number), ample));
      (await desk.call(0)).fail();
      (await desk.call(1)).answer(someBytes(1001));
      (await desk.call(2)).answer(new Uint8Array(1000));
      const replies = await Promise.all(asked);
      expect(replies.slice(0, 2)).toEqual([unknown('failed'), unknown('failed')]);
      expect(text(replies[2] as NodeReply)).toBe('00'.repeat(1000));
    });

    check('a message over the limit is refused before anything is sent', async (harness) => {
      const { asker, desk, node } = await connected(harness, { mostMessageBytes: 1000 });
      expect(await refusalOf(asker.link.request(node, someBytes(1001), ample))).toBe('request-too-large');
      expect(await refusalOf((async () => asker.link.tell(node, someBytes(1001)))())).toBe('request-too-large');
      const asked = asker.link.request(node, someBytes(1000), ample);
      (await desk.call(0)).answer(numbered(1));
      expect(text(await asked)).toBe(hex(numbered(1)));
    });

    check('what the handler does not serve yet is not done', async (harness) => {
      const [asker, other] = [await harness.start(), await harness.start()];
      const early = asker.link.request(other.link.node, numbered(1), ample);
      expect(await settled(harness, early)).toEqual(notDone('unreachable'));
      const desk = new NodeDesk();
      other.link.serve(desk.handler);
      const asked = asker.link.request(other.link.node, numbered(2), ample);
      const call = await settled(harness, desk.call(0));
      call.answer(call.message);
      expect(text(await asked)).toBe(hex(numbered(2)));
    });

    check('nobody is there: not done', async (harness) => {
      const asker = await harness.start();
      for (const node of ['localhost:1/0123456789abcdef', 'no name of a node', '']) {
        expect(await settled(harness, asker.link.request(node, numbered(1), ample))).toEqual(notDone('unreachable'));
      }
    });

    check('the other dies in the middle: unknown, for all that were under way', async (harness) => {
      const { asker, other, desk, node } = await connected(harness);
      const asked = Array.from({ length: 10 }, (_, number) => asker.link.request(node, numbered(number), ample));
      await desk.call(9);
      await settled(harness, other.crash());
      for (const each of asked) expect(await settled(harness, each)).toEqual(unknown('unreachable'));
      const later = asker.link.request(node, numbered(1), ample);
      expect(await settled(harness, later)).toEqual(notDone('unreachable'));
    });

    check('who asks dies: the handler is told', async (harness) => {
      const { asker, desk, node } = await connected(harness);
      const asked = asker.link.request(node, numbered(1), ample);
      asker.link.tell(node, numbered(2));
      const calls = [await desk.call(0), await desk.call(1)];
      await settled(harness, asker.crash());
      for (const { givenUp } of calls) await settled(harness, givenUp);
      expect((await asked).status).toBe('closed');
    });

    check('what is for an earlier start is not handed to a later one', async (harness) => {
      const { asker, other, node } = await connected(harness);
      await settled(harness, other.crash());
      const again = await other.restart();
      const desk = new NodeDesk();
      again.link.serve(desk.handler);
      expect(again.link.node === node).toBe(false);
      asker.link.tell(node, numbered(1));
      const stale = asker.link.request(node, numbered(1), ample);
      expect(await settled(harness, stale)).toEqual(notDone('unreachable'));
      const asked = asker.link.request(again.link.node, numbered(2), ample);
      const call = await settled(harness, desk.call(0));
      expect(numberOf(call.message)).toBe(2);
      call.answer(call.message);
      expect(text(await asked)).toBe(hex(numbered(2)));
      const staleAgain = asker.link.request(node, numbered(3), ample);
      expect(await settled(harness, staleAgain)).toEqual(notDone('unreachable'));
      expect(desk.calls.length).toBe(1);
    });

    check('too many at once: overloaded, not done; the others go on, and there is room again', async (harness) => {
      const { asker, desk, node } = await connected(harness, { mostRequests: 8 });
      const asked = Array.from({ length: 8 }, (_, number) => asker.link.request(node, numbered(number), ample));
      expect(await asker.link.request(node, numbered(8), ample)).toEqual(notDone('overloaded'));
      const third = await serving(harness);
      const elsewhere = asker.link.request(third.link.node, numbered(1), ample);
      (await third.desk.call(0)).answer(numbered(1));
      expect(text(await elsewhere)).toBe(hex(numbered(1)));
      await desk.call(7);
      for (const call of [...desk.calls]) call.answer(call.message);
      expect((await Promise.all(asked)).map(text)).toEqual(asked.map((_, number) => hex(numbered(number))));
      const next = asker.link.request(node, numbered(9), ample);
      const call = await desk.call(8);
      call.answer(call.message);
      expect(text(await next)).toBe(hex(numbered(9)));
    });

    check('too many bytes at once: overloaded, though a small one has room', async (harness) => {
      const { asker, desk, node } = await connected(harness, { mostRequestBytes: 1000 });
      const first = asker.link.request(node, new Uint8Array(900), ample);
      expect(await asker.link.request(node, new Uint8Array(101), ample)).toEqual(notDone('overloaded'));
      const small = asker.link.request(node, new Uint8Array(100), ample);
      await desk.call(1);
      for (const call of desk.calls) call.answer(numbered(1));
      expect((await Promise.all([first, small])).map(text)).toEqual([hex(numbered(1)), hex(numbered(1))]);
    });

    check(
      'a node that has enough refuses for itself; what was given up has its room till its handler ends',
      async (harness) => {
        const asker = await harness.start();
        const { link, desk } = await serving(harness, { mostRequests: 2 });
        const patience = new AbortController();
        const given = refusalOf(asker.link.request(link.node, numbered(0), { ...ample, signal: patience.signal }));
        const kept = asker.link.request(link.node, numbered(1), ample);
        await desk.call(1);
        expect(await asker.link.request(link.node, numbered(2), ample)).toEqual(notDone('overloaded'));
        patience.abort(new Error('enough'));
        await given;
        await (await desk.call(0)).givenUp;
        expect(await asker.link.request(link.node, numbered(3), ample)).toEqual(notDone('overloaded'));
        (await desk.call(0)).answer(numbered(0));
        (await desk.call(1)).answer(numbered(1));
        expect(text(await kept)).toBe(hex(numbered(1)));
        const next = asker.link.request(link.node, numbered(4), ample);
        const call = await desk.call(2);
        call.answer(call.message);
        expect(text(await next)).toBe(hex(numbered(4)));
      },
    );

    check(
      'the way is cut: unknown for what was under way, then not done; healed, it is there again',
      async (harness) => {
        const { asker, other, desk, node } = await connected(harness);
        const asked = asker.link.request(node, numbered(1), ample);
        const call = await desk.call(0);
        other.cut();
        expect(await settled(harness, asked)).toEqual(unknown('unreachable'));
        await settled(harness, call.givenUp);
        expect(await settled(harness, asker.link.request(node, numbered(2), ample))).toEqual(notDone('unreachable'));
        other.heal();
        let reply: NodeReply;
        void desk.call(1).then((next) => next.answer(next.message));
        do {
          await harness.pass(1_000);
          reply = await settled(harness, asker.link.request(node, numbered(3), ample));
        } while (reply.status === 'unreachable' && !reply.mayHaveArrived);
        expect(text(reply)).toBe(hex(numbered(3)));
        expect(desk.calls.length).toBe(2);
      },
    );

    check('silence is noticed: unknown for what was under way, and both sides end it', async (harness) => {
      const { asker, other, desk, node } = await connected(harness);
      const asked = asker.link.request(node, numbered(1), ample);
      const call = await desk.call(0);
      other.stall();
      const later = asker.link.request(node, numbered(2), ample);
      expect(await settled(harness, asked)).toEqual(unknown('unreachable'));
      await settled(harness, call.givenUp);
      expect((await settled(harness, later)).status).toBe('unreachable');
      expect(desk.calls.length).toBe(1);
    });

    check('close waits for what is being handled and takes nothing more on', async (harness) => {
      const { asker, other, desk, node } = await connected(harness);
      const asked = asker.link.request(node, numbered(1), ample);
      const call = await desk.call(0);
      const closed = other.link.close();
      expect(await other.link.request(asker.link.node, numbered(1), ample)).toEqual(notDone('closed'));
      expect(await settled(harness, asker.link.request(node, numbered(2), ample))).toEqual(notDone('unreachable'));
      expect(call.signal.aborted).toBe(false);
      call.answer(numbered(9));
      expect(text(await asked)).toBe(hex(numbered(9)));
      await settled(harness, closed);
      expect(desk.calls.length).toBe(1);
      expect(await settled(harness, asker.link.request(node, numbered(3), ample))).toEqual(notDone('unreachable'));
    });

    check('close waits for own requests', async (harness) => {
      const { asker, desk, node } = await connected(harness);
      const asked = asker.link.request(node, numbered(1), ample);
      const call = await desk.call(0);
      const closed = asker.link.close();
      await harness.pass(20);
      call.answer(numbered(9));
      expect(text(await asked)).toBe(hex(numbered(9)));
      await settled(harness, closed);
      expect(await asker.link.request(node, numbered(1), ample)).toEqual(notDone('closed'));
    });

    check('close does not wait for ever; what is left is ended, its outcome unknown', async (harness) => {
      const { asker, other, desk, node } = await connected(harness, { drainMs: 5_000 });
      asker.link.serve(new NodeDesk().handler);
      const asked = asker.link.request(node, numbered(1), ample);
      const own = other.link.request(asker.link.node, numbered(1), ample);
      const call = await desk.call(0);
      // What it asked has arrived as well.
      await settled(harness, other.link.request(asker.link.node, numbered(2), { timeoutMs: 1_000 }));
      await settled(harness, other.link.close());
      await call.givenUp;
      expect(await settled(harness, asked)).toEqual(unknown('unreachable'));
      expect(await own).toEqual(unknown('closed'));
      call.answer(numbered(1));
    });

    check('close comes to its end once, also where nothing was ever done', async (harness) => {
      const idle = await harness.start();
      await settled(harness, Promise.all([idle.link.close(), idle.link.close()]));
      await idle.link.close();
      const { other } = await connected(harness);
      await settled(harness, Promise.all([other.link.close(), other.link.close()]));
      await other.link.close();
    });
  });
}
