import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LineFileError, linesOf, makeEmpty, readLines } from './line-file.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

it('gives the lines that are not blank, as they are', () => {
  expect(linesOf(bytes('one\n\n  \ntwo \r\n\u3000\nשלום 👋🏽\nlast'))).toEqual(['one', 'two \r', 'שלום 👋🏽', 'last']);
  expect(linesOf(bytes(''))).toEqual([]);
  expect(linesOf(bytes('\uFEFFfirst\n'))).toEqual(['\uFEFFfirst']);
});

it('takes a line of 64 KiB, and tells the number of one that is longer, holds NUL or is not UTF-8', () => {
  expect(linesOf(bytes(`${'x'.repeat(65_536)}\n`))[0]).toHaveLength(65_536);
  expect(() => linesOf(bytes(`ok\n${'x'.repeat(65_537)}\n`))).toThrow(/^line 2 has 65537 bytes/);
  expect(() => linesOf(bytes('a\nb\nc\0d\n'))).toThrow(/^line 3 holds a NUL/);
  expect(() => linesOf(Uint8Array.of(0x61, 0x0a, 0xff, 0x0a))).toThrow(/^line 2 is not UTF-8/);
  expect(() => linesOf(Uint8Array.of(0xff))).toThrow(LineFileError);
});

it('says in a sentence what is wrong with a path', () => {
  const nowhere = join(import.meta.dirname, 'nowhere', 'file.txt');
  expect(() => readLines(nowhere)).toThrow(
    new LineFileError(`${nowhere} can not be read: name a text file by --messages`),
  );
  expect(() => readLines(tmpdir())).toThrow(/can not be read: name a text file/);
  expect(() => readLines('/dev/null')).toThrow(/has no lines to send/);
  expect(() => makeEmpty(nowhere)).toThrow(/can not be written: name a file in a folder that is there/);
});
