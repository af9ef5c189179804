import type { DeviceHistory, DeviceTime } from './action.ts';

/** When which devices were there: what they have to have, and what has to come from them. */
export class DeviceTimes {
  readonly #times = new Map<string, DeviceTime>();

  constructor(histories: Iterable<Pick<DeviceHistory, 'device' | 'time'>>) {
    for (const { device, time } of histories) if (time !== undefined) this.#times.set(device, time);
  }

  /**
   * Whether what was sent then to a device has to be there in the end.
   * @param seenAt when the first device wrote of it: it left between `sentAt` and then, which may be in an absence of this device
   */
  isDueAt(device: string, sentAt: bigint | undefined, seenAt: bigint | undefined): boolean {
    const time = this.#times.get(device);
    if (time === undefined) return true;
    if (time.until !== undefined || sentAt === undefined || sentAt <= time.since) return false;
    return !time.absences?.some(({ from, to }) => sentAt <= to && (seenAt === undefined || seenAt >= from));
  }

  /** Whether what was sent then to a device may be there. */
  mayBeAt(device: string, sentAt: bigint | undefined): boolean {
    const until = this.#times.get(device)?.until;
    return until === undefined || sentAt === undefined || sentAt <= until;
  }

  /** Whether what a device sent then has to arrive. */
  isDueFrom(device: string, sentAt: bigint | undefined): boolean {
    const time = this.#times.get(device);
    if (time?.until === undefined) return true;
    return time.drained !== undefined && sentAt !== undefined && sentAt <= time.drained;
  }
}
