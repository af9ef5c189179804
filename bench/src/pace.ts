import type { DevicePair, Passage } from './device-pair.ts';
import { quantile, rounded } from './quantile.ts';

/** What pairs that send at an even pace had to wait. */
export interface Latency {
  readonly perSecond: number;
  readonly messages: number;
  readonly resultP50Ms: number;
  readonly resultP99Ms: number;
  readonly deliveredP50Ms: number;
  readonly deliveredP99Ms: number;
}

/** Sends at an even pace, whatever comes back; a message that leaves late counts from when it was due. */
export async function pace(pairs: readonly DevicePair[], perSecond: number, count: number): Promise<Latency> {
  const passages: Passage[] = [];
  const began = performance.now();
  await new Promise<void>((resolve) => {
    for (const pair of pairs) {
      pair.follow((passage) => {
        passages.push(passage);
        if (passages.length === count) resolve();
      });
    }
    let sent = 0;
    const tick = () => {
      const due = Math.min(count, Math.floor(((performance.now() - began) / 1_000) * perSecond) + 1);
      for (; sent < due; sent++) pairs[sent % pairs.length]?.send(began + (sent / perSecond) * 1_000);
      if (sent < count) setTimeout(tick, 1);
    };
    tick();
  });
  const results = passages.map(({ due, result }) => result - due);
  const deliveries = passages.map(({ due, delivered }) => delivered - due);
  return {
    perSecond: rounded(perSecond),
    messages: count,
    resultP50Ms: rounded(quantile(results, 0.5)),
    resultP99Ms: rounded(quantile(results, 0.99)),
    deliveredP50Ms: rounded(quantile(deliveries, 0.5)),
    deliveredP99Ms: rounded(quantile(deliveries, 0.99)),
  };
}
