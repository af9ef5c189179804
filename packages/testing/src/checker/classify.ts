import type { Action, DeviceHistory } from './action.ts';
import { DeviceTimes } from './device-times.ts';
import { type MessageTrace, MessageTraces } from './message-trace.ts';
import { misplaced, type Placed } from './sender-order.ts';
import {
  type Anomaly,
  type AnomalyKind,
  anomalyKinds,
  type Counts,
  type StreamVerdict,
  type Verdict,
} from './verdict.ts';

type Tally = { -readonly [Name in keyof Counts]: number };

/**
 * Holds what processes wrote down against what their devices hold in the end.
 *
 * Give it the actions of all processes (in any order) and one history for each device and chat that should hold messages, the sender's own too, after everything has come to rest: a message that is still on its way counts as lost. A chat to which messages were sent and of which no history is given has lost them. A run in which nothing was sent shows nothing: its verdict is `isEmpty`, and not `ok`. Reads nothing, writes nothing, knows no clock.
 * @param actions each is looked at once, so that logs need not fit into memory
 */
export function classify(actions: Iterable<Action>, histories: Iterable<DeviceHistory>): Verdict {
  const traces = new MessageTraces();
  for (const action of actions) traces.add(action);
  return new Classification(traces, [...histories]).verdict();
}

class Classification {
  readonly #traces: MessageTraces;
  readonly #histories: readonly DeviceHistory[];
  readonly #anomalies: Anomaly[] = [];
  readonly #streams = new Map<string, { sender: string; chat: string; tally: Tally }>();
  /** In which histories a message is. */
  readonly #held = new Map<MessageTrace, Set<string>>();
  /** Those that are flagged late somewhere. */
  readonly #late = new Set<MessageTrace>();
  readonly #times: DeviceTimes;

  constructor(traces: MessageTraces, histories: readonly DeviceHistory[]) {
    this.#traces = traces;
    this.#histories = histories;
    this.#times = new DeviceTimes(histories);
  }

  verdict(): Verdict {
    for (const history of this.#histories) this.#walk(history);
    const devices = new Map<string, string[]>();
    for (const { device, chat } of this.#histories) devices.set(chat, [...(devices.get(chat) ?? []), device]);
    for (const trace of this.#traces.all()) this.#judge(trace, devices.get(trace.chat) ?? []);
    this.#checkOrder();
    const total = noCounts();
    const streams = [...this.#streams.values()].map(({ sender, chat, tally }): StreamVerdict => {
      for (const name of Object.keys(total) as (keyof Tally)[]) total[name] += tally[name];
      return { sender, chat, counts: tally };
    });
    const isEmpty = total.messages === 0;
    return {
      ok: !isEmpty && this.#anomalies.length === 0,
      isEmpty,
      counts: total,
      streams,
      anomalies: this.#anomalies,
    };
  }

  #walk({ device, chat, messages, listens }: DeviceHistory): void {
    const met = new Set<MessageTrace>();
    for (const { message, sender, late } of messages) {
      const trace = this.#traces.of({ chat, sender, message });
      if (met.has(trace)) {
        this.#report('duplicated', trace, device);
        continue;
      }
      met.add(trace);
      const holders = this.#held.get(trace) ?? new Set();
      this.#held.set(trace, holders.add(device));
      if (late) this.#late.add(trace);
      if (trace.invokedAt === undefined || trace.outcome === 'refused' || !this.#mayHave(trace, device)) {
        this.#report('unexpected', trace, device);
      } else if (listens && sender !== device && trace.devices.get(device)?.told === undefined) {
        this.#report('untold', trace, device);
      }
    }
  }

  #judge(trace: MessageTrace, devices: readonly string[]): void {
    const tally = this.#tally(trace);
    const holders = this.#held.get(trace) ?? new Set<string>();
    if (trace.invokedAt !== undefined) {
      tally.messages++;
      if (trace.outcome === 'accepted') tally.accepted++;
      else if (trace.outcome === 'refused') tally.refused++;
      else {
        tally.ambiguous++;
        if (holders.size > 0) tally.arrived++;
      }
    }
    if (this.#late.has(trace)) tally.recovered++;
    for (const { replays, dropped } of trace.devices.values()) {
      tally.replayed += replays;
      if (dropped) tally.dropped++;
    }
    const seen = [...trace.devices].filter(([, { applied, told }]) => applied || told !== undefined);
    const mustBe = trace.outcome === 'accepted' || holders.size > 0 || seen.length > 0;
    if (!mustBe || trace.outcome === 'refused' || trace.invokedAt === undefined) return;
    const missing = this.#mustHave(trace, devices).filter(
      (device) => !holders.has(device) && !trace.devices.get(device)?.dropped,
    );
    if (missing.length === 0) return;
    // What expired is with its sender, and with none that ever saw it.
    if (trace.expired && seen.length === 0 && !missing.includes(trace.sender)) tally.expired++;
    // What failed may have come to some before it did: those have it, as does its sender.
    else if (trace.failed && !missing.some((device) => device === trace.sender || trace.devices.has(device)))
      tally.failed++;
    else for (const device of missing) this.#report('lost', trace, device);
  }

  /** Who has to have a message in the end: those that it is for and its sender; and whoever had it once. */
  #mustHave(
    { address, sender, invokedAt, seenAt, devices: seenBy }: MessageTrace,
    devices: readonly string[],
  ): string[] {
    if (address === undefined && devices.length === 0) return ['nobody'];
    const had = [...seenBy].filter(([, { applied, told }]) => applied || told !== undefined).map(([device]) => device);
    const meant = address === undefined ? devices : [...address.receivers];
    const due = this.#times.isDueFrom(sender, invokedAt) ? meant : [];
    return [...new Set([sender, ...due.filter((device) => this.#times.isDueAt(device, invokedAt, seenAt)), ...had])];
  }

  #mayHave({ address, sender, invokedAt }: MessageTrace, device: string): boolean {
    if (device === sender) return true;
    if (!this.#times.mayBeAt(device, invokedAt)) return false;
    return address === undefined || address.receivers.has(device) || address.others.has(device);
  }

  #checkOrder(): void {
    const byDevice = new Map(this.#histories.map((history) => [`${history.chat}\n${history.device}`, history]));
    for (const { device, chat, messages } of this.#histories) {
      for (const [sender, entries] of bySender(messages)) {
        const own = byDevice.get(`${chat}\n${sender}`)?.messages.filter((entry) => entry.sender === sender) ?? [];
        const rank = new Map(own.map(({ message }, at) => [message, at]));
        const shown = entries
          .filter(({ late }) => !late)
          .map(({ message }) => this.#placed(this.#traces.of({ chat, sender, message }), rank));
        const told = entries
          .map(({ message }) => this.#traces.of({ chat, sender, message }))
          .flatMap((trace) => {
            const first = trace.devices.get(device)?.told;
            return first === undefined || first.late ? [] : [{ trace, at: first.at }];
          })
          .sort((one, other) => (one.at < other.at ? -1 : 1))
          .map(({ trace }) => this.#placed(trace, rank));
        for (const trace of new Set([...misplaced(shown), ...misplaced(told)])) {
          this.#report('misordered', trace, device);
        }
      }
    }
  }

  #placed(trace: MessageTrace, rank: ReadonlyMap<string, number>): Placed<MessageTrace> {
    return { item: trace, from: trace.invokedAt, until: trace.acceptedAt, rank: rank.get(trace.message) };
  }

  #report(kind: AnomalyKind, trace: MessageTrace, device: string): void {
    const seen = trace.devices.get(device);
    const { sender, chat, message, outcome, invokedAt } = trace;
    this.#tally(trace)[kind]++;
    this.#anomalies.push({
      kind,
      sender,
      chat,
      message,
      device,
      outcome,
      invokedAt,
      applied: seen?.applied ?? false,
      acked: seen?.acked ?? false,
      delivered: seen?.told !== undefined,
    });
  }

  #tally({ sender, chat }: MessageTrace): Tally {
    const key = `${sender}\n${chat}`;
    const known = this.#streams.get(key);
    if (known !== undefined) return known.tally;
    const tally = noCounts();
    this.#streams.set(key, { sender, chat, tally });
    return tally;
  }
}

function bySender(messages: DeviceHistory['messages']): Map<string, DeviceHistory['messages'][number][]> {
  const senders = new Map<string, DeviceHistory['messages'][number][]>();
  for (const entry of messages) {
    const entries = senders.get(entry.sender);
    if (entries === undefined) senders.set(entry.sender, [entry]);
    else entries.push(entry);
  }
  return senders;
}

function noCounts(): Tally {
  const anomalies = Object.fromEntries(anomalyKinds.map((kind) => [kind, 0])) as Record<AnomalyKind, number>;
  return {
    messages: 0,
    accepted: 0,
    ambiguous: 0,
    arrived: 0,
    refused: 0,
    expired: 0,
    failed: 0,
    recovered: 0,
    replayed: 0,
    dropped: 0,
    ...anomalies,
  };
}
