/** A posting, as far as the chain of an account is concerned. Amounts in minor units. */
export interface ChainLink {
  readonly type: string;
  readonly version: bigint;
  readonly amountMinor: bigint;
  readonly balanceAfterMinor: bigint;
}

/**
 * Compares an account's postings with each other and with its document. Between two postings that
 * follow each other there is a gap, what the later one found beyond the balance after the earlier
 * one: another program wrote in between. A posting of type `adopt` whose own gap is the opposite of
 * all open ones acknowledges them: the journal has caught up.
 */
export class Chain {
  #version = 0n;
  #balanceMinor = 0n;
  #openMinor = 0n;
  #isOpen = false;
  #isWhole = true;

  /** Takes the next posting, by ascending version. */
  add({ type, version, amountMinor, balanceAfterMinor }: ChainLink): void {
    this.#isWhole &&= version === this.#version + 1n;
    const gapMinor = balanceAfterMinor - amountMinor - this.#balanceMinor;
    [this.#version, this.#balanceMinor] = [version, balanceAfterMinor];
    if (type === 'adopt' && gapMinor === -this.#openMinor) {
      [this.#openMinor, this.#isOpen] = [0n, false];
    } else this.#addGap(gapMinor);
  }

  #addGap(gapMinor: bigint): void {
    if (gapMinor === 0n) return;
    this.#openMinor += gapMinor;
    this.#isOpen = true;
  }

  /**
   * Compares the last posting with the document.
   *
   * @returns what the balance has beyond the journal, zero if writes cancel out; undefined if
   *   nothing was written past bankctl; `incomplete` if postings are missing, so that nothing is
   *   known
   */
  end(document: {
    readonly version: bigint;
    readonly balanceMinor: bigint;
  }): bigint | 'incomplete' | undefined {
    if (!this.#isWhole || this.#version !== document.version) return 'incomplete';
    this.#addGap(document.balanceMinor - this.#balanceMinor);
    return this.#isOpen ? this.#openMinor : undefined;
  }
}
