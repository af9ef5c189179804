/** Counts how often a word stands in a text that comes in parts, wherever the parts are cut. */
export class WordCounter {
  readonly #word: string;
  #tail = '';

  constructor(word: string) {
    this.#word = word;
  }

  /** How many more with this part. */
  add(part: string): number {
    const text = this.#tail + part;
    let count = 0;
    let from = 0;
    for (let at = text.indexOf(this.#word); at >= 0; at = text.indexOf(this.#word, from)) {
      count++;
      from = at + this.#word.length;
    }
    this.#tail = text.slice(Math.max(from, text.length - this.#word.length + 1));
    return count;
  }
}

/** The highest count that XEP-0198 answers in a text confirm; `undefined` when there is none. */
export function lastConfirmed(text: string): number | undefined {
  let last: number | undefined;
  for (const match of text.matchAll(/<a\b[^>]*\bh=['"](\d+)['"][^>]*>/g)) last = Number(match[1]);
  return last;
}
