import { describe, expect, it } from 'vitest';
import { exampleFolder } from './example-folder.ts';
import { codeBlocks, read, section, tableRows } from './pages.ts';

const page = read('docs/groups.md');
const blocks = codeBlocks(page, 'ts');

/** Four people who know each other, before the story begins. */
const before = `
import { testWorld } from '@sotto/testing';
await using world = await testWorld({ seed: 1 });
const numbers = ['+14155550101', '+14155550102', '+14155550103', '+14155550104'];
const users = [];
for (const [at, name] of ['Alice', 'Bob', 'Carol', 'Dave'].entries()) {
  users.push(await world.user(name, { number: numbers[at] ?? '' }));
}
const [alice, bob, carol, dave] = users.map(({ client }) => client);
if (!alice || !bob || !carol || !dave) throw new Error('somebody is missing');
for (const user of users) {
  for (const number of numbers) if (number !== user.number) await user.client.chats.with(number);
}
const userGoesOn = async () => false;
await world.settle();
`;
const passes = 'await world.advance({ seconds: 30 });\n';
/** What is looked at behind the block that begins so. */
const after: Readonly<Record<string, string>> = {
  'const group = ': passes,
  'const { title, members': `console.log('made:', title, members.length, role, requests.length, standing);\n`,
  'const daves': `${passes}console.log('left:', (await group.info()).members.length);\n`,
  'const { title: where': `${passes}console.log('came:', (await group.info()).members.length, (await dave.groups.list()).length);\n`,
  'const message = ': passes,
};

/** The whole page as one program. */
function story(): string {
  const parts = blocks.flatMap((block) => {
    const [, more = ''] = Object.entries(after).find(([start]) => block.startsWith(start)) ?? [];
    return [block, more];
  });
  return [before, ...parts, "console.log('carol:', (await carol.groups.list()).length, 'end');\n"].join('\n');
}

describe('docs/groups.md', () => {
  it('has the examples that are looked at', () => {
    for (const start of Object.keys(after)) expect(blocks.filter((block) => block.startsWith(start))).toHaveLength(1);
  });

  it('has examples that run as they stand, and do what the page says', async () => {
    await using examples = await exampleFolder();
    await examples.write('mine/groups.ts', story());
    const run = examples.run('mine/groups.ts');
    await run.says('carol: 1 end');
    for (const said of [
      'Alice owner',
      'made: Rowing club 3 owner 0 member',
      'left: 3',
      'Dave asks to come in',
      'Dave waits for Rowing club true',
      'came: 4 1',
      'read by 1 of 3',
    ]) {
      await run.says(said);
    }
  });

  it('has examples that compile under the strict settings of this repository', async () => {
    await using examples = await exampleFolder();
    await examples.write('mine/groups.ts', story());
    expect(await examples.compile()).toEqual({ status: 0, stdout: '' });
  });

  it('names calls that a group has, and no others', () => {
    const source = read('packages/sdk/src/chats/group-chat.ts');
    const named = tableRows(section(page, '## Who is in it, and as what')).flatMap(([cell = '']) =>
      [...cell.matchAll(/`(\w+)\(/g)].map(([, name = '']) => name),
    );
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((name) => !new RegExp(`^ {2}(?:async )?${name}\\(`, 'm').test(source))).toEqual([]);
  });

  it('says the limits that there are', () => {
    const limits = new Map(tableRows(section(page, '## Limits')).map(([what = '', most = '']) => [what, most]));
    const numberIn = (path: string, pattern: RegExp) =>
      Number((pattern.exec(read(path))?.[1] ?? 'missing').replaceAll('_', ''));
    const rules = 'packages/sdk/src/groups/group-limits.ts';
    const said = (what: string) => Number(/([\d,]+)(?: \w+)?$/.exec(limits.get(what) ?? '')?.[1]?.replaceAll(',', ''));
    expect(said('members')).toBe(numberIn(rules, /members: ([\d_]+)/));
    expect(said('title')).toBe(numberIn(rules, /titleCodePoints: ([\d_]+)/));
    expect(said('people who ask to come in')).toBe(numberIn(rules, /requests: ([\d_]+)/));
    expect(said('receipts')).toBe(numberIn('packages/sdk/src/messages/group-receipts.ts', /mostReceipted = ([\d_]+)/));
  });
});
