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

/** Makes the relay's metrics, `relay_*`, without labels that could tell a person. */
export interface Metrics {
  counter(name: string, description: string): Counter;
  gauge(name: string, description: string): Gauge;
  histogram(name: string, description: string): Histogram;
  /** All of them in the Prometheus text format. */
  render(): Promise<string>;
}
