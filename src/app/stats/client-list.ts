/** Owns the clients in the order of their ids, so that pages of them cost no sorting. */

/** Something with the id of a connection. */
interface Identified {
  readonly client: { readonly id: number };
}

/** Sorted by id; ids mostly grow, so that most are added at the end. Equal ids stand in the order they came. */
export class ClientList<Entry extends Identified> {
  readonly #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#entries[Symbol.iterator]();
  }

  add(entry: Entry): void {
    const { id } = entry.client;
    const last = this.#entries.at(-1);
    if (last === undefined || last.client.id <= id) this.#entries.push(entry);
    else this.#entries.splice(this.#placeOf(id + 1), 0, entry);
  }

  remove(entry: Entry): void {
    const at = this.#entries.indexOf(entry, this.#placeOf(entry.client.id));
    if (at >= 0) this.#entries.splice(at, 1);
  }

  /** All with that id: usually one. */
  find(id: number): Entry[] {
    return this.#entries.slice(this.#placeOf(id), this.#placeOf(id + 1));
  }

  /** `count` of them from place `start` on, both cut down to what there is. */
  page(start: number, count: number): Entry[] {
    const from = Math.max(0, start);
    return this.#entries.slice(from, from + Math.max(0, count));
  }

  /** The first place whose id is not below `id`. */
  #placeOf(id: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.client.id ?? id) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
