import { dirname } from 'node:path';
import { answer, leave, say } from '../led/led-side.ts';
import { leftOver } from '../led/left-over.ts';
import { opener, outcomeOf, type Scene, scenarios } from './scenarios.ts';
import type { StopCalls, Stopped } from './stop-calls.ts';

// A program that is brought into the middle of something, stops its client there, and has to end by itself then.

let giveCode: (code: string) => void = () => undefined;
const now = Promise.withResolvers<void>();

answer<StopCalls>({
  run: async ({ scenario, ...run }): Promise<Stopped> => {
    const watched: Promise<string>[] = [];
    const promised: string[] = [];
    const scene: Scene = {
      ...run,
      now: now.promise,
      code: () =>
        new Promise((resolve, reject) => {
          giveCode = resolve;
          say({ report: 'code-wanted' }).catch(reject);
        }),
      watch: (work) => {
        watched.push(work.then(() => 'done', outcomeOf));
      },
      promise: (text) => {
        promised.push(text);
      },
      open: opener(run),
    };
    const client = await scenarios[scenario]?.(scene);
    if (client === undefined) throw new Error(`there is no scenario "${scenario}"`);
    const begun = performance.now();
    await client.stop();
    const stopMs = performance.now() - begun;
    const left = await leftOver(dirname(run.database));
    const outcomes = await Promise.all(watched);
    // The lock is free: it opens again at once.
    const again = await opener(run)();
    await again.stop();
    return { stopMs, ...left, outcomes, promised };
  },
  code: (code) => {
    giveCode(code);
  },
  now: () => {
    now.resolve();
  },
  end: () => {
    leave();
  },
});
