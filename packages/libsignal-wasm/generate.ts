import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Puts the artefact into a module as text: what imports it needs neither a file, nor a server, nor a bundler that knows what a .wasm is.

const folder = join(import.meta.dirname, 'src/generated');
const base64 = readFileSync(join(import.meta.dirname, 'artefact/libsignal.wasm')).toString('base64');

mkdirSync(folder, { recursive: true });
writeFileSync(
  join(folder, 'artefact.ts'),
  `// Made by generate.ts from artefact/libsignal.wasm.
const base64 = '${base64}';

/** The bytes of the library. */
export function artefact(): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
`,
);
