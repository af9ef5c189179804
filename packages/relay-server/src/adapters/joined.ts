/** An envelope with the end that it shares with others of its send. */
export function joined(envelope: Uint8Array, shared: Uint8Array | undefined): Uint8Array {
  return shared === undefined ? envelope : Buffer.concat([envelope, shared]);
}
