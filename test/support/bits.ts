/** Owns the headers that tests write bit by bit. */

/** Writes numbers as the bits of a header: `value:width`, `ue` and `se` codes. */
export class Bits {
  #text = '';

  u(value: number, width: number): this {
    this.#text += value.toString(2).padStart(width, '0');
    return this;
  }

  ue(...values: number[]): this {
    for (const value of values) {
      const digits = (value + 1).toString(2);
      this.#text += '0'.repeat(digits.length - 1) + digits;
    }
    return this;
  }

  se(...values: number[]): this {
    return this.ue(...values.map((value) => (value > 0 ? 2 * value - 1 : -2 * value)));
  }

  done(): Buffer {
    const text = this.#text.padEnd(Math.ceil(this.#text.length / 8) * 8, '0');
    return Buffer.from((text.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  }
}
