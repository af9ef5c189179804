import type { LinkStore, NewLink } from '../ports/link-store.ts';
import { type HarnessMaker, hex, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { someBytes, start } from './samples.ts';

function someLink(): NewLink {
  return { id: someBytes(16), tokenHash: someBytes(32), publicKey: someBytes(33), expiresAt: start + 120_000 };
}

/** What every `LinkStore` must hold. */
export function linkStoreConformance(runner: Runner, maker: HarnessMaker<{ readonly links: LinkStore }>): void {
  const { expect } = runner;
  const unknown = { status: 'unknown' };

  suite(runner, 'LinkStore', maker, ({ check }) => {
    check('a message is left once and given once  [security: linking-phishing]', async ({ stores: { links } }) => {
      const link = someLink();
      expect(await links.open(link, start)).toBe('opened');
      expect(await links.take(link.id, link.tokenHash, start)).toEqual({
        status: 'waiting',
        expiresAt: link.expiresAt,
      });
      const message = someBytes(500);
      expect(await links.leave(link.id, link.publicKey, message, start)).toBe('left');
      expect(await links.leave(link.id, link.publicKey, someBytes(500), start)).toBe('unknown');
      const poll = await links.take(link.id, link.tokenHash, start);
      expect(poll.status === 'taken' && hex(poll.message)).toBe(hex(message));
      expect(await links.take(link.id, link.tokenHash, start)).toEqual(unknown);
      expect(await links.leave(link.id, link.publicKey, message, start)).toBe('unknown');
    });

    check('of parallel takers one gets the message  [security: linking-phishing]', async ({ stores: { links } }) => {
      const link = someLink();
      await links.open(link, start);
      await links.leave(link.id, link.publicKey, someBytes(9), start);
      const polls = await Promise.all(Array.from({ length: 20 }, () => links.take(link.id, link.tokenHash, start)));
      expect(polls.filter(({ status }) => status === 'taken').length).toBe(1);
      expect(polls.filter(({ status }) => status === 'unknown').length).toBe(19);
    });

    check('another token, key or id finds nothing, and spoils nothing', async ({ stores: { links } }) => {
      const [link, other] = [someLink(), someLink()];
      for (const each of [link, other]) await links.open(each, start);
      expect(await links.leave(link.id, other.publicKey, someBytes(9), start)).toBe('unknown');
      expect(await links.leave(someBytes(16), link.publicKey, someBytes(9), start)).toBe('unknown');
      await links.leave(link.id, link.publicKey, someBytes(9), start);
      expect(await links.take(link.id, other.tokenHash, start)).toEqual(unknown);
      expect(await links.take(someBytes(16), link.tokenHash, start)).toEqual(unknown);
      expect((await links.take(other.id, other.tokenHash, start)).status).toBe('waiting');
      expect((await links.take(link.id, link.tokenHash, start)).status).toBe('taken');
    });

    check('ends to the millisecond', async ({ stores: { links } }) => {
      const [empty, full, late] = [someLink(), someLink(), someLink()];
      for (const link of [empty, full, late]) await links.open(link, start);
      const end = start + 120_000;
      await links.leave(full.id, full.publicKey, someBytes(9), start);
      expect((await links.take(empty.id, empty.tokenHash, end - 1)).status).toBe('waiting');
      expect(await links.take(empty.id, empty.tokenHash, end)).toEqual(unknown);
      expect(await links.take(full.id, full.tokenHash, end)).toEqual(unknown);
      expect(await links.leave(late.id, late.publicKey, someBytes(9), end)).toBe('unknown');
    });

    check('later links leave earlier ones that still live', async ({ stores: { links } }) => {
      const first = someLink();
      await links.open(first, start);
      for (let count = 0; count < 10; count++)
        await links.open({ ...someLink(), expiresAt: start + 200_000 }, start + 80_000);
      expect((await links.take(first.id, first.tokenHash, start + 80_000)).status).toBe('waiting');
    });
  });
}
