import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, openEmbeddedRelay } from '@sotto/relay-server';

/** A real relay for the examples of the pages, which tells the codes that it sends. */
export interface DocsRelay extends AsyncDisposable {
  readonly url: string;
  /** The code that was sent to a number, as soon as there is one. */
  codeFor(number: string): Promise<string>;
  /** Resolves when the relay has made its first account. */
  readonly registered: Promise<void>;
}

/** Starts one with an empty data folder, on any free port. */
export async function openDocsRelay(): Promise<DocsRelay> {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-docs-relay-'));
  const codes = new Map<string, PromiseWithResolvers<string>>();
  const codeOf = (number: string): PromiseWithResolvers<string> => {
    const known = codes.get(number) ?? Promise.withResolvers<string>();
    codes.set(number, known);
    return known;
  };
  const registered = Promise.withResolvers<void>();
  const relay = await openEmbeddedRelay({
    config: loadConfig({
      flags: new Map([
        ['port', '0'],
        ['data', folder],
        ['logLevel', 'silent'],
      ]),
    }),
    tracer: {
      reached: (step) => {
        if (step === 'registration.durable') registered.resolve();
      },
    },
    codeSender: {
      async send({ number, code }) {
        codeOf(number).resolve(code);
      },
    },
  });
  const { url } = await relay.start();
  return {
    url,
    codeFor: (number) => codeOf(number).promise,
    registered: registered.promise,
    async [Symbol.asyncDispose]() {
      await relay.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
