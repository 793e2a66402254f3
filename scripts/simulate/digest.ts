/** A running hash of numbers (two lanes of 32-bit FNV-1a over their bits): the same events give the same digest. */
export class Digest {
  readonly #bits = new DataView(new ArrayBuffer(8));
  #low = 0x811c9dc5;
  #high = 0x1b873593;

  add(value: number): void {
    this.#bits.setFloat64(0, value);
    const first = this.#bits.getUint32(0);
    const second = this.#bits.getUint32(4);
    this.#low = Math.imul(Math.imul(this.#low ^ first, 0x01000193) ^ second, 0x01000193);
    this.#high = Math.imul(Math.imul(this.#high ^ second, 0x85ebca6b) ^ first, 0xc2b2ae35);
  }

  /** 16 hexadecimal digits. */
  get text(): string {
    return [this.#low, this.#high].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
