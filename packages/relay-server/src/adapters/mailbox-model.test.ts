import { describe, it } from 'vitest';
import { embeddedHarness } from './embedded/embedded-harness.ts';
import { checkMailboxModel } from './mailbox-model.ts';
import { memoryHarness } from './memory/memory-harness.ts';

describe('Mailbox, against a model of plain lists', () => {
  it('holds in memory', () => checkMailboxModel(memoryHarness, 300));
  it('holds embedded, over restarts', () => checkMailboxModel(embeddedHarness, 40));
});
