import { expect, it } from 'vitest';
import { Crowd } from './crowd.ts';
import { readCrowdOptions } from './crowd-options.ts';

it('everybody in a crowd has what was said while they were there, on every device, once and in order', async () => {
  const options = { people: 8, devices: 12, messages: 52, seed: 1 };
  const { lines, problems } = await Crowd.run(options, () => undefined);
  expect(problems).toEqual([]);
  expect(lines.filter((line) => line.startsWith('chat "')).length).toBeGreaterThan(3);
  for (const turn of ['link', 'join', 'leave', 'remove', 'revoke', 'rejoin', 'restarts of the relay'])
    expect(lines.join('\n')).toContain(`${turn}: `);
  // Whoever was put out was given what the relay gave to all, and opened nothing of it; who stayed did.
  const thefts = lines.filter((line) => line.includes('envelopes fed'));
  expect(thefts.filter((line) => line.includes('was put out'))).toHaveLength(4);
  expect(thefts.filter((line) => line.includes('was put out')).every((line) => line.endsWith(', 0 opened'))).toBe(true);
});

it.each([[['--people', '3']], [['--messages', 'x']], [['--what']]])('a command line is refused: %s', (args) => {
  expect(readCrowdOptions(args)).toHaveProperty('wrong');
});
