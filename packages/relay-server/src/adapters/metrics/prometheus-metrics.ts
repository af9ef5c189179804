import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricLabels, Metrics } from '../../ports/metrics.ts';

/** From a tenth of a millisecond to ten seconds. */
const buckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** What was counted since somebody asked last, by series of one name. */
interface Counted {
  readonly labels: MetricLabels;
  count: number;
}

/** Metrics by prom-client, in a registry of their own, so that two relays live in one process. */
export function prometheusMetrics(): Metrics {
  const registers = [new Registry()];
  const counters = new Map<string, Counted[]>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();

  function countersOf(name: string, help: string, labels: MetricLabels): Counted[] {
    const series = counters.get(name) ?? [];
    if (counters.has(name)) return series;
    counters.set(name, series);
    const counter = new Counter({
      name,
      help,
      labelNames: Object.keys(labels),
      registers,
      collect() {
        for (const counted of series) {
          counter.inc(counted.labels, counted.count);
          counted.count = 0;
        }
      },
    });
    return series;
  }

  return {
    counter(name, help, labels = {}) {
      // Counted here and handed over when somebody asks: the library's own counting takes its time for labels, at every message.
      const counted: Counted = { labels, count: 0 };
      countersOf(name, help, labels).push(counted);
      return {
        add(count) {
          counted.count += count;
        },
      };
    },
    gauge(name, help, labels = {}) {
      const gauge = gauges.get(name) ?? new Gauge({ name, help, labelNames: Object.keys(labels), registers });
      gauges.set(name, gauge);
      return { set: (value) => gauge.set(labels, value) };
    },
    histogram(name, help, labels = {}) {
      const labelNames = Object.keys(labels);
      const histogram = histograms.get(name) ?? new Histogram({ name, help, labelNames, buckets, registers });
      histograms.set(name, histogram);
      return {
        startTimer() {
          const began = performance.now();
          return () => histogram.observe(labels, (performance.now() - began) / 1_000);
        },
      };
    },
    render: async () => (await Promise.all(registers.map((registry) => registry.metrics()))).join('\n'),
  };
}
