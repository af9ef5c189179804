import { answer, leave, say } from '../led/led-side.ts';
import { opener, outcomeOf, type Scene, scenarios } from './scenarios.ts';
import type { StopCalls, Stopped } from './stop-calls.ts';

// A program that is brought into the middle of something, stops its client there, and has to end by itself then.

let giveCode: (code: string) => void = () => undefined;
const now = Promise.withResolvers<void>();

const mostTurns = 100;

/** What keeps the process alive. What was closed stands in the list until its turn of the event loop, and for sockets of `fetch` a few more, are over. */
async function resourcesLeft(): Promise<{ readonly resources: readonly string[]; readonly turns: number }> {
  for (let turns = 1; ; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    // The channel to the leading process and standard output are pipes; the immediate is the one above.
    const resources = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap' && name !== 'Immediate');
    if (resources.length === 0 || turns === mostTurns) return { resources, turns };
  }
}

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
    const left = await resourcesLeft();
    const outcomes = await Promise.all(watched);
    // The lock is free: it opens again at once.
    const again = await opener(run)();
    await again.stop();
    return { stopped: 'resolved', stopMs, ...left, outcomes, promised };
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
