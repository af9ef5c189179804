import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, openEmbeddedRelay } from '@sotto/relay-server';
import { Client, MemoryDisk, memoryStore } from '@sotto/sdk';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Watch } from '../led/watch.ts';
import { browserBundle } from './browser-bundle.ts';
import { findChromium, openChromium } from './chromium.ts';
import { PageServer } from './page-server.ts';
import type { TalkingPage } from './talking-page.ts';

/** Calls a function of the page. */
async function call<Name extends keyof TalkingPage>(
  page: Page,
  name: Name,
  ...args: Parameters<TalkingPage[Name]>
): Promise<Awaited<ReturnType<TalkingPage[Name]>>> {
  const work = `globalThis.talkingPage[${JSON.stringify(name)}](...${JSON.stringify(args)})`;
  return (await page.evaluate(work)) as Awaited<ReturnType<TalkingPage[Name]>>;
}

/** A relay that takes pages of one origin, and tells the codes that it sends. */
async function relayFor(origin: string) {
  const data = mkdtempSync(join(tmpdir(), 'sotto-browser-'));
  const codes = new Map<string, string>();
  const file = { path: 'relay.json', text: JSON.stringify({ data, port: 0, allowedOrigins: [origin] }) };
  const relay = await openEmbeddedRelay({
    config: loadConfig({ file }),
    codeSender: {
      async send({ number, code }) {
        codes.set(number, code);
      },
    },
  });
  const { url } = await relay.start();
  return {
    url,
    codeFor(number: string): string {
      const code = codes.get(number);
      if (code === undefined) throw new Error(`no code was sent to ${number}`);
      return code;
    },
    async [Symbol.asyncDispose]() {
      await relay.stop();
      rmSync(data, { recursive: true });
    },
  };
}

describe('the SDK as a bundler makes it for browsers', () => {
  it('holds nothing of Node, and nothing of what has to be built for a machine', async () => {
    const { code, inputs, outside } = await browserBundle('talking-page.ts');
    expect(outside).toEqual([]);
    const foreign = /node_modules\/(ws|isomorphic-ws|@signalapp|better-sqlite3)\/|\.node\.ts$/;
    expect(inputs.filter((path) => foreign.test(path))).toEqual([]);
    expect(inputs.filter((path) => path.endsWith('.browser.ts')).length).toBe(3);
    expect(code).not.toMatch(/["']node:/);
  });
});

// With CI=true a browser that is missing fails, in `openChromium`.
const hasBrowser = findChromium() !== undefined || process.env.CI === 'true';

describe.skipIf(!hasBrowser)('a page in Chromium (skipped without one: SOTTO_CHROMIUM names it)', () => {
  const [ofPage, ofOther] = ['+14155550111', '+14155550112'] as const;
  let browser: Browser;
  let code: string;
  beforeAll(async () => {
    browser = await openChromium();
    ({ code } = await browserBundle('talking-page.ts'));
  });
  afterAll(() => browser?.close());

  /** A relay, and pages of a server of their own that talk through it. What pages log or throw is in `said`. */
  async function world() {
    let relayUrl = '';
    const server = await PageServer.open(code, () => [relayUrl, relayUrl.replace(/^http/, 'ws')]);
    const relay = await relayFor(server.origin);
    relayUrl = relay.url;
    const said: string[] = [];
    return {
      relay,
      said,
      async page(phone: string): Promise<Page> {
        const page = await browser.newPage();
        page.on('console', (message) => said.push(message.text()));
        page.on('pageerror', (error) => said.push(String(error)));
        await page.exposeFunction('codeFor', (number: string) => relay.codeFor(number));
        await page.goto(server.origin);
        await call(page, 'open', relay.url, phone);
        return page;
      },
      async [Symbol.asyncDispose]() {
        await relay[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  }

  it('and a process of Node talk to each other, and each is told that it was delivered', async () => {
    await using here = await world();
    const watch = new Watch();
    await using node = await Client.open({ relay: here.relay.url, store: memoryStore(new MemoryDisk()) });
    const events: string[] = [];
    for (const type of ['message.received', 'message.delivered'] as const) {
      node.on(type, ({ message }) => {
        events.push(`${type}: ${message.text}`);
        watch.changed();
      });
    }
    const profile = { username: 'Node' };
    await node.register({ phone: ofOther, profile, code: async () => here.relay.codeFor(ofOther) });
    const page = await here.page(ofPage);

    await call(page, 'say', ofOther, 'from the page');
    await watch.until(() => events.includes('message.received: from the page'));
    const chat = await node.chats.with(ofPage);
    await chat.accept();
    await call(page, 'told', 'message.delivered', 'from the page');
    await chat.send('from Node');
    await call(page, 'told', 'message.received', 'from Node');
    await watch.until(() => events.includes('message.delivered: from Node'));
    const texts = Array.from({ length: 20 }, (_, turn) => `page ${turn}`);
    for (const text of texts) {
      await call(page, 'say', ofOther, text);
      await chat.send(`answer to ${text}`);
    }
    await call(page, 'told', 'message.received', 'answer to page 19');
    await watch.until(() => events.includes('message.received: page 19'));
    expect(events.filter((line) => line.startsWith('message.received: page '))).toEqual(
      texts.map((text) => `message.received: ${text}`),
    );
    await call(page, 'stop');
    expect(here.said).toEqual([]);
  });

  it('and another one talk to each other', async () => {
    await using here = await world();
    const [one, other] = [await here.page(ofPage), await here.page(ofOther)];
    await call(one, 'say', ofOther, 'first');
    await call(other, 'told', 'message.received', 'first');
    await call(other, 'accept', ofPage);
    await call(one, 'told', 'message.delivered', 'first');
    await Promise.all([call(one, 'say', ofOther, 'one'), call(other, 'say', ofPage, 'other')]);
    await Promise.all([
      call(one, 'told', 'message.received', 'other'),
      call(other, 'told', 'message.received', 'one'),
      call(one, 'told', 'message.delivered', 'one'),
      call(other, 'told', 'message.delivered', 'other'),
    ]);
    expect(here.said).toEqual([]);
  });

  it('of an origin that the relay does not know gets nowhere, and is told so', async () => {
    await using here = await world();
    await using stranger = await PageServer.open(code, () => [here.relay.url]);
    const page = await browser.newPage();
    await page.goto(stranger.origin);
    await expect(call(page, 'open', here.relay.url, ofPage)).rejects.toThrow(/relay/i);
  });
});
