const width = 64n;
const mask = (1n << width) - 1n;

/** Which counters were taken: the highest, and which of the 64 up to it (RFC 4303, section 3.4.3). */
export class ReplayWindow {
  private highest = 0;
  /** Bit n: `highest - n` was taken. */
  private taken = 0n;

  /** Whether this counter is new, and not too old to tell. */
  isNew(counter: number): boolean {
    if (counter > this.highest) return true;
    const behind = BigInt(this.highest - counter);
    return behind < width && ((this.taken >> behind) & 1n) === 0n;
  }

  /** Takes a counter that is new. */
  take(counter: number): void {
    if (counter > this.highest) {
      const ahead = BigInt(counter - this.highest);
      this.taken = ahead >= width ? 1n : ((this.taken << ahead) & mask) | 1n;
      this.highest = counter;
    } else {
      this.taken |= 1n << BigInt(this.highest - counter);
    }
  }
}
