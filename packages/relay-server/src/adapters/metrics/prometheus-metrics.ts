import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics } from '../../ports/metrics.ts';

/** From a tenth of a millisecond to ten seconds. */
const buckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Metrics by prom-client, in a registry of their own, so that two relays live in one process. */
export function prometheusMetrics(): Metrics {
  const registers = [new Registry()];
  return {
    counter(name, help) {
      // Counted here and handed over when somebody asks: the library's own counting takes its time for labels, at every message.
      let counted = 0;
      const counter = new Counter({
        name,
        help,
        registers,
        collect() {
          counter.inc(counted);
          counted = 0;
        },
      });
      return {
        add(count) {
          counted += count;
        },
      };
    },
    gauge(name, help) {
      const gauge = new Gauge({ name, help, registers });
      return { set: (value) => gauge.set(value) };
    },
    histogram(name, help) {
      const histogram = new Histogram({ name, help, buckets, registers });
      return {
        startTimer() {
          const began = performance.now();
          return () => histogram.observe((performance.now() - began) / 1_000);
        },
      };
    },
    render: async () => (await Promise.all(registers.map((registry) => registry.metrics()))).join('\n'),
  };
}
