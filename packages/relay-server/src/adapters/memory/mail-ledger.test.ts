import { describe, expect, it } from 'vitest';
import type { HarnessMaker } from '../../conformance/harness.ts';
import { mailLedgerConformance } from '../../conformance/mail-ledger.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import type { MailLedger } from '../../ports/mail-ledger.ts';
import { checkMailLedgerModel } from '../mail-ledger-model.ts';
import { MemoryMailLedger } from './mail-ledger.ts';

const inMemory = 'nothing of it outlives the process';

const maker: HarnessMaker<{ readonly ledger: MailLedger }> = {
  missing: { reopen: inMemory, files: inMemory },
  open: async () => ({
    stores: { ledger: new MemoryMailLedger() },
    clock: settableClock(),
    reopen: () => Promise.reject(new Error(inMemory)),
    files: () => Promise.reject(new Error(inMemory)),
    close: () => Promise.resolve(),
  }),
};

describe('memory', () => {
  mailLedgerConformance({ describe, it, expect }, maker);
  it('MailLedger holds against a model', () => checkMailLedgerModel(maker, 500));
});
