import { writeSync } from 'node:fs';

// Writes so many characters, and a last line, to both of its outputs. Arguments: how many, and the line.

const [count, last] = process.argv.slice(2);
const piece = '.'.repeat(10_000);
for (const output of [1, 2]) {
  for (let written = 0; written < Number(count); written += piece.length) writeSync(output, piece);
  writeSync(output, `${last}\n`);
}
process.disconnect();
