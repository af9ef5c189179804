import { flag, integer, json, text } from '../columns.ts';
import { recordTable } from '../record-table.ts';

/** The change log. */
export const eventTable = recordTable<'event'>({
  table: 'event',
  key: { change_seq: (event) => event.changeSeq },
  fields: { at: (event) => event.at, fact: (event) => JSON.stringify(event.fact) },
  read: (row) => ({ changeSeq: integer(row, 'change_seq'), at: integer(row, 'at'), fact: json(row, 'fact') }),
});

/** How far its named readers are. */
export const cursorTable = recordTable<'cursor'>({
  table: 'cursor',
  key: { name: (cursor) => cursor.name },
  fields: {
    change_seq: (cursor) => cursor.changeSeq,
    used_at: (cursor) => cursor.usedAt,
    expired: (cursor) => Number(cursor.expired),
  },
  read: (row) => ({
    name: text(row, 'name'),
    changeSeq: integer(row, 'change_seq'),
    usedAt: integer(row, 'used_at'),
    expired: flag(row, 'expired'),
  }),
});
