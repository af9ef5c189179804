import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChatId } from '@sotto/sdk/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { betterSqlite3 } from './better-sqlite3.ts';

const chatId = '00000000-0000-4000-8000-000000000000' as ChatId;
const messagesPerBatch = 10;
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-crash-'));
  path = join(folder, 'client.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Lets a child commit until it dies; says the last batch whose commit had resolved. */
async function runUntilDeath(batch: number, statement: number, killAt = Infinity): Promise<number> {
  const program = join(import.meta.dirname, 'crash-child.ts');
  const child = spawn(
    process.execPath,
    ['--conditions=sotto-source', program, path, String(batch), String(statement)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (output.split('\n').length > killAt) child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'close');
  expect(signal).toBe('SIGKILL');
  return Number(output.trimEnd().split('\n').at(-1));
}

/** Opens what the child left, without any repair. */
async function survey(): Promise<{ readonly batch: number; readonly epoch: number }> {
  const { store, opening } = await betterSqlite3(path).open();
  const batch = (await store.get('cursor', { name: 'batch' }))?.changeSeq ?? 0;
  const messages = await store.messages({ chatId, limit: 1_000_000, after: undefined });
  expect(messages.map(({ seq }) => seq)).toEqual(
    Array.from({ length: batch * messagesPerBatch }, (_, index) => index + 1),
  );
  expect(opening.counters.position).toBe(batch * messagesPerBatch);
  await store.commit(
    [{ type: 'put', kind: 'cursor', record: { name: 'after', changeSeq: 1, usedAt: 0, expired: false } }],
    opening.ownerEpoch,
  );
  await store.close();
  return { batch, epoch: opening.ownerEpoch };
}

describe('a store whose process was killed', () => {
  // Each has a batch to die in; large enough ones have moved the write-ahead log into the file before.
  const seeds = [3, 29, 61, 97, 140];

  it.each(seeds)('in a commit before COMMIT holds the batches before it, whole (batch %i)', async (batch) => {
    const statements = 1 + messagesPerBatch + 1;
    const resolved = await runUntilDeath(batch, (batch * 7) % (statements + 1));
    expect(resolved).toBe(batch - 1);
    expect(await survey()).toEqual({ batch: batch - 1, epoch: 2 });
  });

  it.each(seeds)('right after a commit resolved holds it (batch %i)', async (batch) => {
    expect(await runUntilDeath(batch, -1)).toBe(batch);
    expect(await survey()).toEqual({ batch, epoch: 2 });
  });

  it.each(seeds)(
    'from outside, anywhere, holds whole batches and all that had resolved (after batch %i)',
    async (batch) => {
      const resolved = await runUntilDeath(1_000_000, 0, batch);
      const left = await survey();
      expect(left.epoch).toBe(2);
      expect(left.batch - resolved === 0 || left.batch - resolved === 1).toBe(true);
    },
  );
});
