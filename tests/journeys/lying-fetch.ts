import type { Fetch } from '@sotto/sdk/ports';

/** An answer of the relay about somebody's devices. */
export type DeviceAnswer = Record<string, unknown>;

/** What a client hears of other people's devices when its relay is not honest: every answer goes through `lie`. */
export class LyingFetch {
  /** Gives what is answered in place of the truth. Honest until it is set. */
  lie: (path: string, answer: DeviceAnswer) => DeviceAnswer = (_path, answer) => answer;
  /** The latest answers as the relay gave them, by path. */
  readonly truths = new Map<string, DeviceAnswer>();

  readonly fetch: Fetch = async (...asked) => {
    const answer = await (fetch as unknown as Fetch)(...asked);
    const { pathname } = new URL(String(asked[0]));
    if (answer.status !== 200 || !/^\/v1\/users\/[^/]+\/(devices|bundles)$/.test(pathname)) return answer;
    const truth = (await (answer as unknown as Response).json()) as DeviceAnswer;
    this.truths.set(pathname, truth);
    return new Response(JSON.stringify(this.lie(pathname, truth)), {
      status: 200,
      headers: { 'content-type': 'application/json' },
    }) as unknown as Awaited<ReturnType<Fetch>>;
  };
}
