import { loadConfig, openClusterRelay, openEmbeddedRelay } from '@sotto/relay-server';
import { FatalTracer } from './fatal-tracer.ts';
import { answer, leave, say } from './led-side.ts';
import { leftOver } from './left-over.ts';
import { numberOfNoAnswer, type RelayCalls } from './relay-calls.ts';

// A relay as a process of its own: on the embedded stores, or a node of a cluster. Arguments: a configuration as JSON.

const [config = '{}'] = process.argv.slice(2);
const tracer = new FatalTracer();
const settings = loadConfig({ file: { path: 'relay.json', text: config } });
const open = settings.store === 'cluster' ? openClusterRelay : openEmbeddedRelay;
const relay = await open({
  config: settings,
  tracer,
  codeSender: {
    // The code is heard by the test before the relay answers, as an SMS may be.
    send: async ({ number, code }) => {
      await say({ report: { number, code } });
      if (number === numberOfNoAnswer) await new Promise(() => undefined);
    },
  },
});

answer<RelayCalls>({
  start: async () => ({ url: (await relay.start()).url }),
  arm: (fatal) => {
    tracer.arm(fatal);
  },
  stop: async () => {
    await Promise.all([relay.stop(), relay.stop()]);
    leave();
    return leftOver(settings.data);
  },
});
