import type { Counter, Gauge, Histogram, Metrics } from '../ports/metrics.ts';

/** What the relay counts. Names begin with `relay_`; none has a label that could tell a person. */
export interface RelayCounts {
  readonly connections: Gauge;
  readonly streamsOpened: Counter;
  readonly streamsRefused: Counter;
  readonly sendsAccepted: Counter;
  readonly sendsIncomplete: Counter;
  /** By the code of the refusal: `relay_sends_refused_<code>_total`. */
  sendsRefused(code: string): Counter;
  readonly sealedAccepted: Counter;
  readonly sealedIncomplete: Counter;
  readonly sealedRefused: Counter;
  readonly recipientsRateLimited: Counter;
  readonly ephemeralsLimited: Counter;
  readonly requestsLimited: Counter;
  readonly connectionsRefused: Counter;
  readonly codesLimited: Counter;
  readonly deliveries: Counter;
  readonly acks: Counter;
  readonly ackedEnvelopes: Counter;
  readonly ephemerals: Counter;
  readonly ephemeralsDropped: Counter;
  readonly framesMalformed: Counter;
  readonly slowStreams: Counter;
  readonly expired: Counter;
  readonly registrations: Counter;
  readonly codesSent: Counter;
  readonly sweepsFailed: Counter;
  readonly appendSeconds: Histogram;
}

/** Makes them all, so that a scrape shows each from the start. */
export function relayCounts(metrics: Metrics): RelayCounts {
  const refused = new Map<string, Counter>();
  const refusedBy = (code: string): Counter => {
    let counter = refused.get(code);
    if (counter === undefined) {
      const name = `relay_sends_refused_${code.replaceAll('-', '_')}_total`;
      counter = metrics.counter(name, `Sends that were refused whole with ${code}`);
      refused.set(code, counter);
    }
    return counter;
  };
  for (const code of [
    'superseded',
    'send-claimed',
    'send-malformed',
    'rate-limited',
    'draining',
    'store-unavailable',
    'group-unknown',
  ]) {
    refusedBy(code);
  }
  return {
    connections: metrics.gauge('relay_connections', 'Open streams'),
    streamsOpened: metrics.counter('relay_streams_opened_total', 'Streams that were opened'),
    streamsRefused: metrics.counter('relay_streams_refused_total', 'Streams that were refused before the upgrade'),
    sendsAccepted: metrics.counter('relay_sends_accepted_total', 'Sends that every recipient was accepted of'),
    sendsIncomplete: metrics.counter('relay_sends_incomplete_total', 'Sends with a recipient that was not accepted'),
    sendsRefused: refusedBy,
    sealedAccepted: metrics.counter('relay_sealed_accepted_total', 'Sealed sends that every recipient was accepted of'),
    sealedIncomplete: metrics.counter(
      'relay_sealed_incomplete_total',
      'Sealed sends with a recipient that was not accepted, or that were superseded',
    ),
    sealedRefused: metrics.counter(
      'relay_sealed_refused_total',
      'Requests of sealed senders who showed no right access key',
    ),
    recipientsRateLimited: metrics.counter(
      'relay_recipients_rate_limited_total',
      'Recipients of Sends that were refused because their sender sends to them too fast',
    ),
    ephemeralsLimited: metrics.counter('relay_ephemerals_limited_total', 'Ephemeral signals over their rate limit'),
    requestsLimited: metrics.counter('relay_requests_limited_total', 'HTTP requests and upgrades over a rate limit'),
    connectionsRefused: metrics.counter('relay_connections_refused_total', 'Connections over a cap'),
    codesLimited: metrics.counter('relay_codes_limited_total', 'Verification codes that a limit kept from being sent'),
    deliveries: metrics.counter('relay_deliveries_total', 'Envelopes handed to connected devices'),
    acks: metrics.counter('relay_acks_total', 'Delivery ids in acks'),
    ackedEnvelopes: metrics.counter('relay_mailbox_acked_total', 'Envelopes deleted after their ack'),
    ephemerals: metrics.counter('relay_ephemerals_total', 'Ephemeral signals handed over'),
    ephemeralsDropped: metrics.counter('relay_ephemerals_dropped_total', 'Ephemeral signals that reached nobody'),
    framesMalformed: metrics.counter('relay_frames_malformed_total', 'Streams closed for breaking the protocol'),
    slowStreams: metrics.counter('relay_slow_streams_total', 'Streams closed for reading too slowly'),
    expired: metrics.counter('relay_mailbox_expired_total', 'Envelopes deleted after their time'),
    registrations: metrics.counter('relay_registrations_total', 'Registrations'),
    codesSent: metrics.counter('relay_codes_sent_total', 'Verification codes handed to the sender'),
    sweepsFailed: metrics.counter('relay_sweeps_failed_total', 'Sweeps that the store refused'),
    appendSeconds: metrics.histogram('relay_append_seconds', 'From a checked Send to durable mail'),
  };
}
