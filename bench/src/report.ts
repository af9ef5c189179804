import type { BenchResult } from './bench.ts';
import { type PeerMeasure, peerTable } from './peers/peer-table.ts';

const begin = '<!-- measured: begin -->';
const end = '<!-- measured: end -->';

/** What was measured, and when. */
export interface ReportFacts {
  /** As `2026-11-22`. */
  readonly date: string;
  readonly commit: string;
}

/** The measured part of docs/benchmarks.md. */
export function renderReport(results: readonly BenchResult[], { date, commit }: ReportFacts): string {
  const [first] = results;
  const peers = results.find(({ name }) => name === 'peers')?.peers as readonly PeerMeasure[] | undefined;
  const { machine } = first ?? {};
  return [
    `Measured on ${date} at commit \`${commit}\`${machine ? `: ${machine.cpu}, ${machine.cores} cores, ${Math.round(machine.memoryMiB / 1_024)} GiB, ${machine.platform}, Node ${machine.node}` : ''}. Medians of rounds; a ratio is that of what was measured side by side in one round.`,
    '',
    '| bench | value | baseline | ratio | lowest to highest | target | load before |',
    '|---|---|---|---|---|---|---|',
    ...results.filter(({ name }) => name !== 'peers').map(row),
    '',
    ...results.flatMap(detailRows),
    ...(peers === undefined ? [] : ['', '### Beside other servers', '', ...peerTable(peers)]),
  ].join('\n');
}

/** A page with its measured part replaced. @throws {Error} when the page has no place for it */
export function withReport(page: string, report: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no place for what is measured: ${begin} and ${end}`);
  return `${page.slice(0, from)}${begin}\n\n${report}\n\n${page.slice(to)}`;
}

function row(result: BenchResult): string {
  const { name, value, unit, baseline, ratio, target, machine } = result;
  const range = 'ratioLowest' in result ? `${result.ratioLowest} to ${result.ratioHighest}` : '';
  const sign = result.better === 'lower' ? '≤' : '≥';
  const cells = [name, `${value} ${unit}`, baseline, ratio, range, `${sign} ${target}`, machine.loadBefore];
  return `| ${cells.join(' | ')} |`;
}

/** What of a result is more than its one number. */
function detailRows(result: BenchResult): readonly string[] {
  switch (result.name) {
    case 'relay':
      return [
        `- **relay**: the result is there after ${result.p50Ms} ms (half of all) and ${result.p99Ms} ms (99 of 100) at half of that load; an fsync of 4 KiB takes ${result.fsyncMs} ms here.`,
      ];
    case 'mailbox':
      return [
        `- **mailbox**: ${result.drain} messages/s drained (${result.drainRatio} of ${result.drainBaseline} of the baseline). Microseconds of CPU a message: store ${costs(result.storeCpuUs)}; drain ${costs(result.drainCpuUs)}.`,
      ];
    case 'idle':
      return [
        `- **idle**: ${result.connections} connections; a bare \`ws\` server holds one in ${result.baseline} KiB.`,
      ];
    case 'storm':
      return [
        `- **storm**: ${result.sockets} devices with ${result.mailEach} messages each; all at once ${storm(result.atOnce)}; jittered ${storm(result.jittered)}.`,
      ];
    default:
      return [];
  }
}

function costs(of: unknown): string {
  return Object.entries(of as Record<string, number>)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function storm(of: unknown): string {
  const { seconds, halfBackSeconds, failures, relayRssMib } = of as Record<string, number>;
  return `${seconds} s (half were back after ${halfBackSeconds} s, ${failures} failed tries, ${relayRssMib} MiB resident)`;
}
