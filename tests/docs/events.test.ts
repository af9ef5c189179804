import { describe, expect, it } from 'vitest';
import { quoted, read, section, tableRows, union } from './pages.ts';

const page = read('docs/events.md');
const source = read('packages/sdk/src/events/event.ts');

/** The declaration of a union or an interface of event.ts, up to the next one. */
function declaration(head: string): string {
  const from = source.indexOf(head);
  if (from < 0) throw new Error(`event.ts declares no ${head}`);
  const next = source.indexOf('\nexport ', from + head.length);
  return source.slice(from, next < 0 ? undefined : next);
}

const fieldsIn = (body: string) => [...body.matchAll(/readonly (\w+)\??:/g)].map(([, name = '']) => name);
const connectionFields = fieldsIn(declaration('export interface ConnectionChange '));

/** Each event type of a union with its fields, as the source declares them. */
function declared(union: string): Record<string, readonly string[]> {
  const members = [...declaration(`export type ${union} =`).matchAll(/\{([^{}]*)\}/g)].map(([, body = '']) => body);
  return Object.fromEntries(
    members.flatMap((body) => {
      const types = [...(/readonly type:([^;]*)/.exec(body)?.[1]?.matchAll(/'([^']+)'/g) ?? [])].map(
        ([, type]) => type,
      );
      const own = fieldsIn(body).filter((name) => name !== 'type');
      return types.map((type = '') => [type, type === 'connection.changed' ? connectionFields : own]);
    }),
  );
}

/** The same of the table under a heading. */
function documented(heading: string): Record<string, readonly string[]> {
  const rows = tableRows(section(page, heading));
  return Object.fromEntries(
    rows.map(([type, fields = '']) => [quoted(type), [...fields.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)]),
  );
}

describe('docs/events.md has each event with its fields, and no other', () => {
  it.each([
    ['## Kept', 'SottoEvent', 'message.received'],
    ['## Not kept', 'TransientEvent', 'connection.changed'],
  ])('%s', (heading, union, known) => {
    expect(documented(heading)).toHaveProperty([known]);
    expect(documented(heading)).toEqual(declared(union));
  });

  it('says what each is', () => {
    for (const [type, , what = ''] of tableRows(page)) expect(what, type).not.toBe('');
  });
});

it('docs/events.md has each reason of an offline or ended connection, and no other', () => {
  const path = 'packages/sdk/src/transport/connection-state.ts';
  const ends = /export type EndReason =([^;]*);/.exec(read(path))?.[1] ?? '';
  const declared = [...union(path, 'OfflineReason'), ...[...ends.matchAll(/'([^']+)'/g)].map(([, name = '']) => name)];
  const rows = tableRows(section(page, '## Reasons of `connection.changed`'));
  expect(declared).toContain('session-ended');
  expect(rows.map(([reason]) => quoted(reason)).sort()).toEqual(declared.sort());
});
