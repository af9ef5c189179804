import { loadConfig, openEmbeddedRelay } from '@sotto/relay-server';
import { FatalTracer } from './fatal-tracer.ts';
import { answer, leave, say } from './led-side.ts';
import type { RelayCalls } from './relay-calls.ts';

// A relay as a process of its own, on the embedded stores. Arguments: a configuration as JSON.

const [config = '{}'] = process.argv.slice(2);
const tracer = new FatalTracer();
const relay = await openEmbeddedRelay({
  config: loadConfig({ file: { path: 'relay.json', text: config } }),
  tracer,
  codeSender: {
    // The code is heard by the test before the relay answers, as an SMS may be.
    send: ({ number, code }) => say({ report: { number, code } }),
  },
});

answer<RelayCalls>({
  start: async () => ({ url: (await relay.start()).url }),
  arm: (fatal) => {
    tracer.arm(fatal);
  },
  stop: async () => {
    await relay.stop();
    leave();
  },
});
