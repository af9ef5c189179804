/** Something secret that was sent, under a name that a report may show. */
export interface Canary {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Set for text: it is looked for in UTF-16, too. */
  readonly text?: string;
}

export function textCanary(name: string, text: string): Canary {
  return { name, text, bytes: Buffer.from(text) };
}

export function bytesCanary(name: string, bytes: Uint8Array): Canary {
  return { name, bytes };
}

/** A form in which bytes may stand in a file. */
export interface CanaryForm {
  readonly form: string;
  readonly bytes: Buffer;
}

/** All forms that are looked for: as it is, hex in both cases, base64 and base64url at each of the three alignments, UTF-16 of both byte orders. */
export function formsOf({ bytes, text }: Canary): readonly CanaryForm[] {
  const raw = Buffer.from(bytes);
  const hex = raw.toString('hex');
  const forms: CanaryForm[] = [
    { form: 'plain', bytes: raw },
    { form: 'hex', bytes: Buffer.from(hex) },
    { form: 'HEX', bytes: Buffer.from(hex.toUpperCase()) },
  ];
  for (const encoding of ['base64', 'base64url'] as const) {
    for (const offset of [0, 1, 2]) {
      forms.push({ form: `${encoding} at ${offset}`, bytes: Buffer.from(alignedBase64(raw, encoding, offset)) });
    }
  }
  if (text !== undefined) {
    const little = Buffer.from(text, 'utf16le');
    forms.push({ form: 'UTF-16LE', bytes: little }, { form: 'UTF-16BE', bytes: Buffer.from(little).swap16() });
  }
  return forms;
}

/** The letters that stand for these bytes and nothing else, when `offset` (mod 3) bytes come before them. */
function alignedBase64(bytes: Buffer, encoding: 'base64' | 'base64url', offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString(encoding);
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}

/** Bytes that were captured somewhere. */
export interface Capture {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Where which canary was found, in which form: empty when all is well. */
export function findCanaries(captures: readonly Capture[], canaries: readonly Canary[]): readonly string[] {
  const looked = canaries.map((canary) => ({ canary, forms: formsOf(canary) }));
  return captures.flatMap((capture) => {
    const bytes = Buffer.from(capture.bytes.buffer, capture.bytes.byteOffset, capture.bytes.byteLength);
    return looked.flatMap(({ canary, forms }) =>
      forms
        .filter(({ bytes: form }) => bytes.includes(form))
        .map(({ form }) => `${canary.name} in ${capture.name}, ${form}`),
    );
  });
}
