import { describe, expect, it } from 'vitest';
import { prometheusMetrics } from './prometheus-metrics.ts';

const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('# TYPE'));

describe('prometheusMetrics', () => {
  it('counts series of one name apart, and describes them once', async () => {
    const metrics = prometheusMetrics();
    const [kafka, redis] = ['kafka', 'redis'].map((engine) =>
      metrics.counter('relay_x_total', 'What x is', { engine }),
    );
    kafka?.add(2);
    redis?.add(1);
    metrics.counter('relay_x_total', 'What x is', { engine: 'kafka' }).add(1);
    metrics.gauge('relay_y', 'What y is', { topic: 'a' }).set(3);
    metrics.gauge('relay_y', 'What y is', { topic: 'b' }).set(4);
    const expected = [
      '# HELP relay_x_total What x is',
      'relay_x_total{engine="kafka"} 3',
      'relay_x_total{engine="redis"} 1',
      '# HELP relay_y What y is',
      'relay_y{topic="a"} 3',
      'relay_y{topic="b"} 4',
    ];
    expect(lines(await metrics.render())).toEqual(expected);
    expect(lines(await metrics.render())).toEqual(expected);
  });

  it('shows what has no labels from the start', async () => {
    const metrics = prometheusMetrics();
    metrics.counter('relay_x_total', 'What x is');
    metrics.gauge('relay_y', 'What y is');
    expect(lines(await metrics.render())).toEqual([
      '# HELP relay_x_total What x is',
      'relay_x_total 0',
      '# HELP relay_y What y is',
      'relay_y 0',
    ]);
  });

  it('times series of one name apart', async () => {
    const metrics = prometheusMetrics();
    const [one, other] = ['one', 'other'].map((operation) => metrics.histogram('relay_s', 'Seconds', { operation }));
    one?.startTimer()();
    one?.startTimer()();
    other?.startTimer()();
    const text = await metrics.render();
    expect(text).toContain('relay_s_count{operation="one"} 2');
    expect(text).toContain('relay_s_count{operation="other"} 1');
    expect(text.match(/# HELP relay_s /g)).toHaveLength(1);
  });
});
