/** The protocol versions that this relay speaks. */
export const protocolRange = { min: 1, max: 1 } as const;

/** The highest version that both speak; `undefined` when there is none. */
export function chooseProtocol(clientMin: number, clientMax: number): number | undefined {
  const highest = Math.min(clientMax, protocolRange.max);
  return highest >= Math.max(clientMin, protocolRange.min) ? highest : undefined;
}
