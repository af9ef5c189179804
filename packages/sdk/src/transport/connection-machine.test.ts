import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  initialState,
  type MachineEffect,
  type MachineInput,
  type MachineState,
  type MachineTimer,
  stepConnection,
} from './connection-machine.ts';

function play(inputs: readonly MachineInput[], from: MachineState = initialState) {
  let state = from;
  const effects: MachineEffect[] = [];
  for (const input of inputs) {
    const step = stepConnection(state, input);
    state = step.state;
    effects.splice(0, effects.length, ...step.effects);
  }
  return { state, effects };
}

const connected: readonly MachineInput[] = [
  { type: 'start' },
  { type: 'authorized' },
  { type: 'socket-opened' },
  { type: 'hello', idleTimeoutMs: 60_000 },
];
const closed = (code: number, status?: number): MachineInput => ({ type: 'socket-closed', code, status });
const retryOf = (effects: readonly MachineEffect[]) => effects.find((effect) => effect.type === 'retry');

describe('stepConnection', () => {
  it('connects: token, socket, hello, catching up, live', () => {
    expect(play(connected.slice(0, 1)).effects).toContainEqual({ type: 'authorize', replace: false });
    expect(play(connected.slice(0, 2)).effects).toContainEqual({ type: 'connect' });
    expect(play(connected.slice(0, 3)).effects).toContainEqual({ type: 'greet' });
    expect(play(connected).effects).toEqual(
      expect.arrayContaining([
        { type: 'set-timer', timer: 'heartbeat', ms: 30_000 },
        { type: 'announce', state: 'catching-up' },
        { type: 'opened' },
      ]),
    );
    expect(play([...connected, { type: 'queue-empty' }]).effects).toEqual([{ type: 'announce', state: 'live' }]);
  });

  it('asks for another token again after a wait, when none could be got', () => {
    const refused = [{ type: 'authorized' }, closed(1006, 401)] as const;
    const unreachable = [{ type: 'not-authorized', reason: 'unreachable', waitMs: 0 }] as const;
    const waited = [{ type: 'timer', timer: 'retry' }] as const;
    const { effects } = play([{ type: 'start' }, ...refused, ...unreachable, ...waited, ...refused]);
    expect(effects).toContainEqual({ type: 'authorize', replace: true });
  });

  it('waits longer after each failure, up to a minute, and forgets them once a connection is stable', () => {
    let state: MachineState = initialState;
    const spreads: number[] = [];
    for (let tries = 0; tries < 12; tries++) {
      const failed = play([{ type: tries === 0 ? 'start' : 'wake' }, { type: 'authorized' }, closed(1006)], state);
      state = failed.state;
      spreads.push(retryOf(failed.effects)?.spreadMs ?? 0);
      // As if the wait had passed by itself: `wake` would begin anew.
      const again = play([{ type: 'timer', timer: 'retry' }, { type: 'authorized' }, closed(1006)], state);
      state = again.state;
      spreads.push(retryOf(again.effects)?.spreadMs ?? 0);
    }
    expect(spreads.slice(0, 4)).toEqual([500, 1_000, 500, 1_000]);
    const failing = Array.from({ length: 10 }, (): MachineInput[] => [
      { type: 'timer', timer: 'retry' },
      { type: 'authorized' },
      closed(1006),
    ]).flat();
    const worn = play([{ type: 'start' }, { type: 'authorized' }, closed(1006), ...failing]);
    expect(retryOf(worn.effects)).toMatchObject({ floorMs: 0, spreadMs: 60_000, reason: 'unreachable' });
    const stable = play(
      [{ type: 'timer', timer: 'retry' }, ...connected.slice(1), { type: 'timer', timer: 'stable' }, closed(1006)],
      worn.state,
    );
    expect(retryOf(stable.effects)).toMatchObject({ spreadMs: 500, reason: 'broken' });
  });

  it('pings, and ends a connection on which nothing comes back', () => {
    const pinged = play([...connected, { type: 'timer', timer: 'heartbeat' }]);
    expect(pinged.effects).toEqual([
      { type: 'set-timer', timer: 'heartbeat', ms: 30_000 },
      { type: 'set-timer', timer: 'answer', ms: 10_000 },
      { type: 'ping' },
    ]);
    expect(play([{ type: 'heard' }], pinged.state).effects).toEqual([{ type: 'clear-timer', timer: 'answer' }]);
    const silent = play([{ type: 'timer', timer: 'answer' }], pinged.state);
    expect(silent.effects).toContainEqual({ type: 'drop' });
    expect(retryOf(silent.effects)).toMatchObject({ reason: 'silent' });
  });

  it('stays away after 4001 until it is woken', () => {
    const replaced = play([...connected, closed(4001)]);
    expect(replaced.state).toEqual({ phase: 'replaced' });
    expect(replaced.effects).toContainEqual({ type: 'announce', state: 'replaced' });
    expect(play([{ type: 'timer', timer: 'retry' }, { type: 'heard' }], replaced.state).state).toEqual(replaced.state);
    expect(play([{ type: 'wake' }], replaced.state).effects).toContainEqual({ type: 'authorize', replace: false });
  });

  it.each([
    ['4003', [...connected, closed(4003)]],
    ['a refused upgrade', [...connected.slice(0, 2), closed(1006, 401)]],
  ] as const)('asks for a new token after %s, and backs off when that is refused too', (_, inputs) => {
    const asked = play(inputs);
    expect(asked.effects).toContainEqual({ type: 'authorize', replace: true });
    expect(retryOf(play([{ type: 'authorized' }, closed(1006, 401)], asked.state).effects)).toMatchObject({
      reason: 'session-refused',
    });
    const ended = play([{ type: 'session-ended', reason: 'session-ended' }], asked.state);
    expect(ended.state).toEqual({ phase: 'ended' });
    expect(play([{ type: 'wake' }], ended.state).state).toEqual({ phase: 'ended' });
    expect(play([{ type: 'start' }], ended.state).effects).toContainEqual({ type: 'authorize', replace: false });
  });

  it('comes back after the time that a drain gives, spread out', () => {
    const drained = play([...connected, { type: 'drain', retryAfterMs: 4_000 }, closed(1012)]);
    expect(retryOf(drained.effects)).toEqual({ type: 'retry', floorMs: 4_000, spreadMs: 4_000, reason: 'drain' });
    expect(retryOf(play([...connected, closed(1012)]).effects)).toMatchObject({ floorMs: 0, reason: 'drain' });
    const endless = play([...connected, { type: 'drain', retryAfterMs: 2 ** 32 - 1 }, closed(1012)]);
    expect(retryOf(endless.effects)?.floorMs).toBe(600_000);
  });

  it('says that the relay speaks another protocol', () => {
    expect(retryOf(play([...connected.slice(0, 3), { type: 'unsupported' }]).effects)).toMatchObject({
      reason: 'protocol-unsupported',
      spreadMs: 60_000,
    });
  });

  it('closes when it stops, and does not wait for ever', () => {
    const stopping = play([...connected, { type: 'stop' }]);
    expect(stopping.effects).toContainEqual({ type: 'close' });
    expect(play([closed(1000)], stopping.state).state).toEqual({ phase: 'stopped' });
    const late = play([{ type: 'timer', timer: 'deadline' }], stopping.state);
    expect(late.state).toEqual({ phase: 'stopped' });
    expect(late.effects).toContainEqual({ type: 'drop' });
    expect(play([{ type: 'start' }, closed(1000)], stopping.state).effects).toContainEqual({
      type: 'authorize',
      replace: false,
    });
  });

  it('holds together whatever happens', () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 200 }), (inputs) => {
        let state: MachineState = initialState;
        const world = { sockets: 0, authorizing: 0, timers: new Set<MachineTimer>() };
        for (const input of inputs) {
          if (input.type === 'timer' && !world.timers.delete(input.timer)) continue;
          if (input.type === 'socket-closed') {
            if (world.sockets === 0) continue;
            world.sockets--;
          }
          if (input.type === 'authorized' || input.type === 'not-authorized' || input.type === 'session-ended') {
            if (world.authorizing === 0) continue;
            world.authorizing--;
          }
          const step = stepConnection(state, input);
          state = step.state;
          for (const effect of step.effects) applyTo(world, effect);
          expect(world.sockets).toBeLessThanOrEqual(1);
          expect(world.authorizing).toBeLessThanOrEqual(1);
          checkResting(state, world);
        }
      }),
      { numRuns: 500 },
    );
  });
});

interface World {
  sockets: number;
  authorizing: number;
  timers: Set<MachineTimer>;
}

function applyTo(world: World, effect: MachineEffect): void {
  if (effect.type === 'connect') world.sockets++;
  if (effect.type === 'authorize') world.authorizing++;
  if (effect.type === 'set-timer') world.timers.add(effect.timer);
  if (effect.type === 'clear-timer') world.timers.delete(effect.timer);
  if (effect.type === 'clear-timers') world.timers.clear();
  if (effect.type === 'retry') {
    world.timers.add('retry');
    expect(effect.floorMs).toBeGreaterThanOrEqual(0);
    expect(effect.spreadMs).toBeGreaterThan(0);
    expect(effect.spreadMs).toBeLessThanOrEqual(60_000);
  }
  if (effect.type === 'drop') {
    world.sockets = 0;
    world.authorizing = 0;
  }
}

/** At rest nothing is left running; everywhere else something will go on. */
function checkResting({ phase }: MachineState, world: World): void {
  if (phase === 'stopped' || phase === 'replaced' || phase === 'ended') {
    expect(world).toEqual({ sockets: 0, authorizing: 0, timers: new Set() });
  }
  if (phase === 'waiting') expect(world.timers).toEqual(new Set(['retry']));
  if (phase === 'authorizing') expect(world.authorizing).toBe(1);
  if (phase === 'connecting' || phase === 'greeting' || phase === 'stopping') {
    expect(world.timers.has('deadline')).toBe(true);
  }
  if (phase === 'open') expect(world.timers.has('heartbeat')).toBe(true);
}

const anyInput: fc.Arbitrary<MachineInput> = fc.oneof(
  fc.constantFrom<MachineInput>(
    { type: 'start' },
    { type: 'wake' },
    { type: 'stop' },
    { type: 'authorized' },
    { type: 'authorized' },
    { type: 'socket-opened' },
    { type: 'socket-opened' },
    { type: 'session-ended', reason: 'session-ended' },
    { type: 'unsupported' },
    { type: 'heard' },
    { type: 'queue-empty' },
    { type: 'broke', reason: 'misbehaved' },
  ),
  fc.record({ type: fc.constant('hello' as const), idleTimeoutMs: fc.nat() }),
  fc.record({ type: fc.constant('drain' as const), retryAfterMs: fc.nat() }),
  fc.record({
    type: fc.constant('not-authorized' as const),
    reason: fc.constant('unreachable' as const),
    waitMs: fc.nat(),
  }),
  fc.record({
    type: fc.constant('socket-closed' as const),
    code: fc.constantFrom(1000, 1006, 1009, 1012, 4001, 4002, 4003, 4004, 4005),
    status: fc.constantFrom(undefined, 401, 429, 503),
  }),
  fc.record({
    type: fc.constant('timer' as const),
    timer: fc.constantFrom<MachineTimer>('retry', 'deadline', 'heartbeat', 'answer', 'stable'),
  }),
);
