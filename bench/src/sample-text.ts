/** A text of about 100 bytes, each one another. */
export function sampleText(number: number): string {
  return `Message ${String(number).padStart(7, '0')}: the train leaves at ten past nine, from platform four; bring the maps.`;
}
