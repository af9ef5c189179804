import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** Where a bench ran. */
export interface MachineFacts {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryMiB: number;
  readonly platform: string;
  readonly node: string;
  /** The load average over the last minute when the bench began: what others were doing. */
  readonly loadBefore: number;
}

/** Describes this machine, without naming it. */
export function machineFacts(): MachineFacts {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
