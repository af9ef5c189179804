import { describe, expect, it } from 'vitest';
import type { HarnessMaker } from '../../conformance/harness.ts';
import { sendReceiptsConformance } from '../../conformance/send-receipts.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import type { SendReceipts } from '../../ports/send-receipts.ts';
import { checkSendReceiptsModel } from '../send-receipts-model.ts';
import { MemorySendReceipts } from './send-receipts.ts';

const inMemory = 'nothing of it outlives the process';

const maker: HarnessMaker<{ readonly receipts: SendReceipts }> = {
  missing: { reopen: inMemory, files: inMemory },
  open: async () => ({
    stores: { receipts: new MemorySendReceipts(systemRandomness) },
    clock: settableClock(),
    reopen: () => Promise.reject(new Error(inMemory)),
    files: () => Promise.reject(new Error(inMemory)),
    close: () => Promise.resolve(),
  }),
};

describe('memory', () => {
  sendReceiptsConformance({ describe, it, expect }, maker);
  it('SendReceipts hold against a model', () => checkSendReceiptsModel(maker, 500));
});
