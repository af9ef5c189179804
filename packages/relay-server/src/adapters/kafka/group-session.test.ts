import { describe, expect, it } from 'vitest';
import { GroupSession } from './group-session.ts';

/** A session of 100 ms, on timers that go on when they are told. */
function session() {
  let now = 0;
  let due: { readonly at: number; readonly run: () => void }[] = [];
  const over: number[] = [];
  const after = (ms: number, run: () => void) => {
    const timer = { at: now + ms, run };
    due.push(timer);
    return () => {
      due = due.filter((one) => one !== timer);
    };
  };
  const group = new GroupSession({ after, every: () => () => undefined }, 100, () => over.push(now));
  const goTo = (time: number) => {
    for (;;) {
      const [next] = due.filter(({ at }) => at <= time).sort((one, other) => one.at - other.at);
      if (!next) break;
      due = due.filter((one) => one !== next);
      now = next.at;
      next.run();
    }
    now = time;
  };
  return { group, goTo, over };
}

describe('GroupSession', () => {
  it('is over a session after the sending of what was answered last, not after its answer', () => {
    const { group, goTo, over } = session();
    const first = group.sent();
    goTo(40);
    first.answered();
    goTo(80);
    const second = group.sent();
    goTo(90);
    second.answered();
    goTo(179);
    expect(over).toEqual([]);
    goTo(300);
    expect(over).toEqual([180]);
  });

  it('is not prolonged by what is not answered, or answered after a whole session', () => {
    const { group, goTo, over } = session();
    group.sent().answered();
    goTo(50);
    const lost = group.sent();
    const late = group.sent();
    goTo(99);
    lost.unanswered();
    expect(over).toEqual([]);
    goTo(151);
    expect(over).toEqual([100]);
    late.answered();
    goTo(400);
    expect(over).toEqual([100, 151]);
  });

  it('is not over when it was ended', () => {
    const { group, goTo, over } = session();
    group.sent().answered();
    group.end();
    goTo(500);
    expect(over).toEqual([]);
  });
});
