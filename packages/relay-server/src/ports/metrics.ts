/** Goes up. */
export interface Counter {
  add(count: number): void;
}

/** Goes up and down. */
export interface Gauge {
  set(value: number): void;
}

/** Observes durations, by a clock that never jumps. */
export interface Histogram {
  /** Begins one; what it gives ends it and observes how long it took. */
  startTimer(): () => void;
}

/** What tells series of one name apart: values are a few that are known beforehand, as names of engines are, and never tell a person. */
export type MetricLabels = Readonly<Record<string, string>>;

/** Makes the relay's metrics, `relay_*`, without labels that could tell a person. Those of one name have one description and the same names of labels, and each its own values. */
export interface Metrics {
  counter(name: string, description: string, labels?: MetricLabels): Counter;
  gauge(name: string, description: string, labels?: MetricLabels): Gauge;
  histogram(name: string, description: string, labels?: MetricLabels): Histogram;
  /** All of them in the Prometheus text format. */
  render(): Promise<string>;
}
