import decodeQr from 'qr/decode.js';

const pixels = 3;

/**
 * Reads the QR code that a terminal shows in half blocks, as the camera of another device would.
 * @returns its bytes
 * @throws when there is none
 */
export function scanned(screen: string): Uint8Array {
  const lines = screen.split('\n');
  const top = lines.findIndex((line) => /█{30}/.test(line));
  const column = lines[top]?.indexOf('█') ?? 0;
  const width = lines[top]?.slice(column).length ?? 0;
  const light = lines
    .slice(top, top + Math.ceil(width / 2))
    .map((line) => line.slice(column).padEnd(width))
    .flatMap((line) => [
      Array.from(line, (block) => /[█▀]/.test(block)),
      Array.from(line, (block) => /[█▄]/.test(block)),
    ]);
  return decoded(light.slice(0, width));
}

/** Reads a QR code from its modules, light ones `true`. */
export function decoded(light: readonly (readonly boolean[])[]): Uint8Array {
  const size = light.length * pixels;
  const data = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const isLight = light[Math.floor(y / pixels)]?.[Math.floor(x / pixels)] === true;
      data.fill(isLight ? 255 : 0, 3 * (y * size + x), 3 * (y * size + x + 1));
    }
  }
  const latin = decodeQr({ width: size, height: size, data }, { textDecoder: latinOf });
  return Uint8Array.from(latin, (character) => character.charCodeAt(0));
}

function latinOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}
