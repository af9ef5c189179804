import { describe, expect, it } from 'vitest';
import { mailLogConformance } from '../../conformance/mail-log.ts';
import { memoryLogHarness } from './mail-log-harness.ts';

describe('memory', () => mailLogConformance({ describe, it, expect }, memoryLogHarness));
