/** What a client sent on one connection, with the payloads of WebSocket frames (RFC 6455, section 5.2) unmasked. Without an upgrade it is given as it is. */
export function unmasked(bytes: Buffer): Buffer {
  if (!/^GET [^\r]*\r\n(?:[^\r]+\r\n)*upgrade: websocket\r\n/i.test(bytes.toString('latin1', 0, 8_192))) return bytes;
  const open = Buffer.from(bytes);
  let at = open.indexOf('\r\n\r\n') + 4;
  while (at + 2 <= open.length) {
    const short = (open[at + 1] ?? 0) & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskAt = at + 2 + extended;
    if (maskAt + 4 > open.length) break;
    const length =
      short === 126 ? open.readUInt16BE(at + 2) : short === 127 ? Number(open.readBigUInt64BE(at + 2)) : short;
    const mask = open.subarray(maskAt, maskAt + 4);
    const end = Math.min(maskAt + 4 + length, open.length);
    for (let byte = maskAt + 4; byte < end; byte++) {
      open[byte] = (open[byte] ?? 0) ^ (mask[(byte - maskAt) % 4] ?? 0);
    }
    at = end;
  }
  return open;
}
