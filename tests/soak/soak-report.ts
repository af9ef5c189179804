import { type Anomaly, anomalyKinds, type Counts, describeAnomaly, type StreamVerdict } from '@sotto/testing/checker';
import type { SoakOutcome } from './soak.ts';
import { clientSteps } from './soak-steps.ts';
import { isGroupName } from './token-text.ts';

const shownAnomalies = 20;

/** The table of a run, and its last line. */
export function reportOf(outcome: SoakOutcome, seed: number): readonly string[] {
  const { verdict, leftovers, unsent, groups, devices, tally, kills, memory, problems } = outcome;
  const { counts, streams, anomalies } = verdict;
  const inGroups = streams.filter(({ chat }) => isGroupName(chat));
  // What its sender still has to send is missing elsewhere, and is not lost, unless that device had it already; in the sender's own history it has to be. `accepted` does not speak against it: that is what `send` says of a message as soon as it stands in the outbox.
  const isWaiting = ({ kind, sender, device, message, applied, acked, delivered }: Anomaly) =>
    kind === 'lost' && device !== sender && unsent.has(message) && !applied && !acked && !delivered;
  const waiting = anomalies.filter(isWaiting).length;
  const lost = counts.lost - waiting;
  const rows: [string, string | number][] = [
    ['messages', counts.messages],
    ['  accepted', counts.accepted],
    ['  ambiguous (there / not)', `${counts.arrived} / ${counts.ambiguous - counts.arrived}`],
    ['  expired', counts.expired],
    ['  recovered (late)', counts.recovered],
    ['  told again', counts.replayed],
    ['  dropped of requests', counts.dropped],
    ['streams (device, chat)', streams.length],
    ['groups', groups.groups],
    ['  members came / went', `${groups.came} / ${groups.went}`],
    ['  messages to groups', countOf(inGroups, 'messages')],
    ['  copies of them due', groups.due],
    ['  refused / failed', `${countOf(inGroups, 'refused')} / ${countOf(inGroups, 'failed')}`],
    ...anomalyKinds.map((kind): [string, number] => [`  ${kind}`, countOf(inGroups, kind)]),
    ['further devices', devices.devices],
    ['  linked / revoked', `${devices.links} / ${devices.revocations}`],
    ['  copies of own messages', devices.synced],
    ['kills of clients', kills.client],
    ['kills of the relay', kills.relay],
    ...[...tally.faults].sort().map(([kind, count]): [string, number] => [`  ${kind}`, count]),
    ['starts that came too early', outcome.lateStarts],
    ['kinds of faults met', `${tally.coverage.kinds - tally.coverage.unmet.length} of ${tally.coverage.kinds}`],
    ['steps of clients', covered(clientSteps, outcome)],
    ['steps of the relay', covered(tally.relaySteps, outcome)],
    ['lost', lost],
    ['missing, but in an outbox', waiting],
    ['unexpected', counts.unexpected],
    ['duplicated', counts.duplicated],
    ['misordered', counts.misordered],
    ['untold', counts.untold],
    ['left in mailboxes', leftovers.mail],
    ['left in outboxes', leftovers.outbox],
    ['left held', leftovers.held],
    ['not in a final state', leftovers.notFinal],
    ['quiet after', `${outcome.quietAfterMs} ms`],
    ['memory (MiB)', [...memory].map(([name, size]) => `${name} ${size}`).join(', ')],
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(28)} ${value}`);
  const missing = tally.missing();
  if (missing.length > 0) lines.push(`steps not hit: ${missing.join(', ')}`);
  if (tally.coverage.unmet.length > 0) lines.push(`faults not met: ${tally.coverage.unmet.join(', ')}`);
  for (const anomaly of anomalies.slice(0, shownAnomalies)) {
    lines.push(`${describeAnomaly(anomaly)}${isWaiting(anomaly) ? ", and in its sender's outbox" : ''}`);
  }
  if (anomalies.length > shownAnomalies) lines.push(`... and ${anomalies.length - shownAnomalies} more`);
  for (const problem of problems) lines.push(`problem: ${problem}`);
  const found = `messages=${counts.messages} kills=${kills.client + kills.relay} lost=${lost} unexpected=${counts.unexpected} duplicated=${counts.duplicated} misordered=${counts.misordered} groups=${groups.groups} members=${groups.came + groups.went} links=${devices.links} revocations=${devices.revocations}`;
  const left = Object.values(leftovers).reduce((sum, count) => sum + count, 0);
  lines.push(
    outcome.ok
      ? `soak: ok ${found}`
      : `soak: FAILED ${found} untold=${counts.untold} unsent=${waiting} left=${left} problems=${problems.length} seed=${seed}`,
  );
  return lines;
}

function countOf(streams: readonly StreamVerdict[], name: keyof Counts): number {
  return streams.reduce((sum, { counts }) => sum + counts[name], 0);
}

function covered(steps: readonly string[], { tally }: SoakOutcome): string {
  const hit = steps.filter((step) => tally.hits(step) > 0);
  return `${hit.length} of ${steps.length}`;
}
