import type { KillableRelay } from '../journeys/relay-kind.ts';
import { RelayProcess } from '../led/relay-process.ts';
import type { Watch } from '../led/watch.ts';
import { type RunSettings, takeSettings } from './run-settings.ts';

/** Two nodes of a cluster as processes of their own, of which one after the other is killed. */
export function nodeProcesses(data: string, watch: Watch, wished: object): KillableRelay {
  let run: RunSettings | undefined;
  let nodes: readonly RelayProcess[] = [];
  let kills = 0;
  let isStarted = false;
  const victim = () => {
    const node = nodes[kills % nodes.length];
    if (node === undefined) throw new Error('the cluster was not started');
    return node;
  };
  return {
    get urls() {
      return nodes.map(({ url }) => url);
    },
    async start() {
      if (isStarted) {
        await victim().start();
        kills++;
        return;
      }
      run = await takeSettings(wished);
      const { file } = run;
      nodes = [1, 2].map(() => new RelayProcess(data, watch, file));
      await Promise.all(nodes.map((node) => node.start()));
      isStarted = true;
    },
    async kill() {
      await victim().kill();
    },
    async codeFor(number) {
      await watch.until(() => nodes.some((node) => node.sentTo(number) > 0));
      const sent = nodes.find((node) => node.sentTo(number) > 0);
      return sent?.codeFor(number) ?? '';
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.kill()));
      await run?.release();
    },
  };
}
