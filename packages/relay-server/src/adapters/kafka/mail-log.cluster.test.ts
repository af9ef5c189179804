import { describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { mailLogConformance } from '../../conformance/mail-log.ts';
import { kafkaLogHarness } from './mail-log-harness.ts';

describe('kafka', () => mailLogConformance({ describe, it, expect }, kafkaLogHarness(runningEngines().kafka)));
