import { describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { mailLedgerConformance } from '../../conformance/mail-ledger.ts';
import { sendReceiptsConformance } from '../../conformance/send-receipts.ts';
import { checkMailLedgerModel } from '../mail-ledger-model.ts';
import { checkSendReceiptsModel } from '../send-receipts-model.ts';
import { mailPartsHarness } from './mail-parts-harness.ts';

describe('redis', () => {
  const maker = mailPartsHarness(runningEngines().redis.url);
  sendReceiptsConformance({ describe, it, expect }, maker);
  mailLedgerConformance({ describe, it, expect }, maker);
  it('SendReceipts hold against a model', () => checkSendReceiptsModel(maker, 100));
  it('MailLedger holds against a model', () => checkMailLedgerModel(maker, 60));
});
