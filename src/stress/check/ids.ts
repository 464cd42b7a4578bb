/**
 * The ids that occurred in a history. Those that end in a number, as a plan's do, take one bit each
 * if they are dense, so that ten million of them take a megabyte.
 */
export class IdSet {
  readonly #dense = new Map<string, DenseNumbers>();
  readonly #others = new Set<string>();

  /** @returns false if the id had occurred already */
  add(id: string): boolean {
    const dash = id.lastIndexOf('-');
    const digits = id.slice(dash + 1);
    const number = Number(digits);
    // `a-7` and `a-07` are two ids.
    if (dash < 0 || !Number.isSafeInteger(number) || String(number) !== digits) {
      return this.#addOther(id);
    }
    const prefix = id.slice(0, dash);
    let numbers = this.#dense.get(prefix);
    if (!numbers) {
      numbers = new DenseNumbers();
      this.#dense.set(prefix, numbers);
    }
    if (this.#others.has(id)) return false;
    return numbers.add(number) ?? this.#addOther(id);
  }

  #addOther(id: string): boolean {
    const before = this.#others.size;
    return this.#others.add(id).size > before;
  }
}

/** Numbers from 0, one bit each. */
class DenseNumbers {
  #words = new Uint32Array(16);
  #count = 0;

  /** @returns whether it is new; undefined if it is too far from the others for a bit */
  add(number: number): boolean | undefined {
    const place = Math.floor(number / 32);
    const bit = 1 << (number % 32);
    if (((this.#words[place] ?? 0) & bit) !== 0) return false;
    if (place >= this.#words.length) {
      if (number > 1024 + 64 * this.#count) return undefined;
      const larger = new Uint32Array(2 * place);
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words[place] = (this.#words[place] ?? 0) | bit;
    this.#count += 1;
    return true;
  }
}
