import type { SeededRandom } from '../seeded-random.ts';
import type { ScheduleEvent } from './schedule-event.ts';

/** What an event is drawn by: all of it is decided by the seed. */
export interface ScheduleView {
  readonly users: readonly {
    readonly state: 'closed' | 'opening' | 'open' | 'stopping';
    readonly line: 'up' | 'half-open' | 'down';
    readonly diskFull: boolean;
  }[];
  readonly relay: 'stopped' | 'running' | 'stopping';
  /** Whether one more may register. */
  readonly mayRegister: boolean;
}

const second = 1_000;
const hour = 3_600 * second;
const day = 24 * hour;

interface Choice {
  readonly weight: number;
  readonly make: () => ScheduleEvent;
}

/** Draws what happens next: something that can happen now, what people do more often than what goes wrong. */
export function drawEvent(random: SeededRandom, view: ScheduleView): ScheduleEvent {
  const user = random.between(0, view.users.length - 1);
  const choices: readonly Choice[] = [
    ...userChoices(random, view, user),
    ...relayChoices(random, view),
    ...timeChoices(random),
  ];
  const chosen = random.weighted(choices);
  return chosen === undefined ? { type: 'pass', ms: second } : chosen.make();
}

function userChoices(random: SeededRandom, { users, mayRegister }: ScheduleView, user: number): readonly Choice[] {
  const { state, line, diskFull } = users[user] ?? { state: 'closed', line: 'up', diskFull: false };
  if (state !== 'open') {
    return [
      { weight: state === 'closed' ? 30 : 0, make: () => ({ type: 'open', user }) },
      { weight: state === 'stopping' ? 10 : 0, make: () => ({ type: 'crash', user }) },
      { weight: mayRegister ? 0.05 : 0, make: () => ({ type: 'register' }) },
    ];
  }
  const other = () => (user + random.between(1, users.length - 1)) % users.length;
  const steps = () => random.between(1, 40);
  return [
    { weight: 24, make: () => ({ type: 'send', user, to: other(), count: random.weighted(bursts)?.count ?? 1 }) },
    { weight: 8, make: () => ({ type: 'read', user, to: other() }) },
    ...groupChoices(random, user, other),
    { weight: mayRegister ? 0.05 : 0, make: () => ({ type: 'register' }) },
    { weight: 2, make: () => ({ type: 'stop', user }) },
    { weight: 3, make: () => ({ type: 'crash', user }) },
    { weight: 5, make: () => ({ type: 'crash-at', user, steps: steps() }) },
    { weight: 3, make: () => ({ type: 'reconnect', user }) },
    { weight: diskFull ? 12 : 1.5, make: () => ({ type: diskFull ? 'disk-free' : 'disk-full', user }) },
    { weight: 2, make: () => ({ type: 'skew', user, ms: random.between(-48, 48) * hour }) },
    ...lineChoices(random, user, line),
  ];
}

function groupChoices(random: SeededRandom, user: number, other: () => number): readonly Choice[] {
  return [
    { weight: 10, make: () => ({ type: 'group-send', user, count: random.weighted(bursts)?.count ?? 1 }) },
    { weight: 4, make: () => ({ type: 'group-read', user }) },
    { weight: 2, make: () => ({ type: 'group-create', user }) },
    { weight: 2, make: () => ({ type: 'group-add', user, to: other() }) },
    { weight: 1.5, make: () => ({ type: 'group-remove', user, to: other() }) },
    { weight: 0.3, make: () => ({ type: 'group-leave', user }) },
  ];
}

function lineChoices(random: SeededRandom, user: number, line: 'up' | 'half-open' | 'down'): readonly Choice[] {
  if (line !== 'up') return [{ weight: 20, make: () => ({ type: 'connect', user }) }];
  const direction = () => random.pick(['up', 'down'] as const) ?? 'up';
  const fate = () => random.pick(['lost', 'twice', 'swapped'] as const) ?? 'lost';
  return [
    { weight: 4, make: () => ({ type: 'cut', user }) },
    { weight: 4, make: () => ({ type: 'disconnect', user }) },
    { weight: 3, make: () => ({ type: 'half-open', user }) },
    { weight: 2, make: () => ({ type: 'swallow', user }) },
    { weight: 3, make: () => ({ type: 'slow', user, ms: random.between(0, 20) * 500 }) },
    { weight: 10, make: () => ({ type: 'message', user, direction: direction(), fate: fate() }) },
    {
      weight: 2,
      make: () => ({
        type: 'request',
        user,
        fate: random.pick(['request-lost', 'answer-lost'] as const) ?? 'request-lost',
      }),
    },
  ];
}

function relayChoices(random: SeededRandom, { relay }: ScheduleView): readonly Choice[] {
  if (relay === 'stopped') return [{ weight: 14, make: () => ({ type: 'relay-start' }) }];
  if (relay === 'stopping') return [{ weight: 3, make: () => ({ type: 'relay-crash' }) }];
  return [
    { weight: 1.5, make: () => ({ type: 'relay-crash' }) },
    { weight: 3, make: () => ({ type: 'relay-crash-at', steps: random.between(1, 60) }) },
    { weight: 0.7, make: () => ({ type: 'relay-stop' }) },
  ];
}

function timeChoices(random: SeededRandom): readonly Choice[] {
  return [
    { weight: 12, make: () => ({ type: 'pass', ms: random.between(1, 90) * second }) },
    { weight: 3, make: () => ({ type: 'pass', ms: random.between(1, 48) * hour }) },
    { weight: 1.2, make: () => ({ type: 'pass', ms: random.between(2, 40) * day }) },
  ];
}

const bursts = [
  { weight: 6, count: 1 },
  { weight: 2, count: 2 },
  { weight: 1, count: 5 },
];
