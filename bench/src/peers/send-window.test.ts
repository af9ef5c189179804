import { expect, it } from 'vitest';
import { SendWindow } from './send-window.ts';

it('never has more than its window unconfirmed, writes each send once, and is done when all are confirmed', async () => {
  const sends = new SendWindow();
  const written: [number, number][] = [];
  const sent = sends.send(5, 3, (from, to) => written.push([from, to]));
  expect(written).toEqual([[0, 3]]);
  sends.confirm(1);
  sends.confirm(0);
  sends.confirm(2);
  expect(written).toEqual([
    [0, 3],
    [3, 4],
    [4, 5],
  ]);
  sends.confirm(2);
  await sent;
  const again = sends.send(2, 3, (from, to) => written.push([from, to]));
  expect(written.at(-1)).toEqual([0, 2]);
  sends.fail(new Error('gone'));
  sends.fail(new Error('closed'));
  await expect(again).rejects.toThrow('gone');
  await expect(sends.send(1, 3, () => undefined)).rejects.toThrow('gone');
});
