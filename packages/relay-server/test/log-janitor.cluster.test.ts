import { describe, expect, it } from 'vitest';
import { kafkaLogHarness } from '../src/adapters/kafka/mail-log-harness.ts';
import { runningEngines } from './engines.ts';
import { logJanitorCases } from './log-janitor-cases.ts';

describe('kafka', () => logJanitorCases({ describe, it, expect }, kafkaLogHarness(runningEngines().kafka)));
