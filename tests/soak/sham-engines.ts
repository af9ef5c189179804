import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

// In the place of the program that brings engines up and down: writes down what it is asked for, and never gets them up.

const [command = ''] = process.argv.slice(2);
appendFileSync(join(process.argv.at(-1) ?? '', 'asked.txt'), `${command}\n`);
if (command === 'up') setInterval(() => undefined, 60_000);
