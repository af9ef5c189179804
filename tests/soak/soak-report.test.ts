import { type Action, classify } from '@sotto/testing/checker';
import { expect, it } from 'vitest';
import { nothingLeft } from './final-stores.ts';
import { reportOf } from './soak-report.ts';
import { Tally } from './tally.ts';

const sent = (message: string): readonly Action[] => {
  const about = { sender: 'p1', chat: 'p1+p2', message };
  return [
    { type: 'send-invoke', at: 1n, ...about },
    { type: 'send-result', at: 2n, outcome: 'accepted', ...about },
  ];
};

const failedRun = {
  ok: false,
  leftovers: { ...nothingLeft, outbox: 2 },
  groups: { groups: 0, came: 0, went: 0, due: 0 },
  devices: { devices: 0, links: 0, revocations: 0, synced: 0 },
  tally: new Tally(),
  kills: { client: 0, relay: 0 },
  lateStarts: 0,
  memory: new Map(),
  problems: [],
  quietAfterMs: 0,
  folder: '',
};

it("what waits in its sender's outbox is told apart from what is lost", () => {
  const names = ['p1>p2 1.1', 'p1>p2 1.2', 'p1>p2 1.3'];
  const [, , acked = ''] = names;
  const ack: Action = { type: 'ack', at: 3n, sender: 'p1', chat: 'p1+p2', message: acked, receiver: 'p2' };
  const own = names.map((message) => ({ message, sender: 'p1', late: false }));
  const verdict = classify(
    [...names.flatMap(sent), ack],
    [
      { device: 'p1', chat: 'p1+p2', listens: false, messages: own },
      { device: 'p2', chat: 'p1+p2', listens: false, messages: [] },
    ],
  );
  // The first waits; so does the last, but its receiver has acknowledged it already.
  const lines = reportOf({ ...failedRun, verdict, unsent: new Set(['p1>p2 1.1', acked]) }, 7);
  expect(lines.at(-1)).toMatch(/ lost=2 .* unsent=1 /);
  expect(lines.filter((line) => line.endsWith("sender's outbox"))).toHaveLength(1);
  expect(lines).toContainEqual(expect.stringMatching(/^lost: "p1>p2 1\.1" .*, and in its sender's outbox$/));
});

it('what is missing in the history of its sender is lost, though it stands in the outbox', () => {
  const verdict = classify(sent('p1>p2 1.1'), [
    { device: 'p1', chat: 'p1+p2', listens: false, messages: [] },
    { device: 'p2', chat: 'p1+p2', listens: false, messages: [] },
  ]);
  const lines = reportOf({ ...failedRun, verdict, unsent: new Set(['p1>p2 1.1']) }, 7);
  // Missing with both: at its receiver it is waited for.
  expect(lines.at(-1)).toMatch(/ lost=1 .* unsent=1 /);
});
