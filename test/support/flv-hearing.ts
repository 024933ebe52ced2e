/** Owns what an FLV player of a test hears, whatever carries it. */
import type { FlvTag } from '../../src/media/flv';
import { FlvReader } from '../../src/media/flv-reader';

import { Waits } from './waits';

const SCRIPT = 18;

/** Takes an FLV stream in any pieces. What it hears is read in order: each wait goes on where the last one ended. */
export class FlvHearing {
  /** Every whole tag so far. */
  readonly tags: FlvTag[] = [];
  readonly #reader = new FlvReader();
  readonly #waits = new Waits(() => this.#heard());
  #read = 0;

  push(bytes: Buffer): void {
    this.#reader.push(bytes);
    for (let tag = this.#reader.read(); tag; tag = this.#reader.read()) this.tags.push(tag);
    this.#waits.look();
  }

  /** The connection is gone. */
  close(): void {
    this.#waits.close('the connection was closed');
  }

  /** The next tag that fits; those before it are passed over. */
  async next(what: string, fits: (tag: FlvTag) => boolean): Promise<FlvTag> {
    let found: FlvTag | undefined;
    await this.#waits.until(what, () => {
      while (this.#read < this.tags.length && found === undefined) {
        const tag = this.tags[this.#read++];
        if (tag && fits(tag)) found = tag;
      }
      return found !== undefined;
    });
    return found!;
  }

  /** The next tags of audio and video. */
  async media(count: number): Promise<FlvTag[]> {
    const tags: FlvTag[] = [];
    while (tags.length < count) {
      const what = `tag ${tags.length} of ${count}`;
      tags.push(await this.next(what, ({ type }) => type !== SCRIPT));
    }
    return tags;
  }

  /** Tags of audio and video that have come and were not taken yet. */
  waiting(): FlvTag[] {
    return this.tags.slice(this.#read).filter(({ type }) => type !== SCRIPT);
  }

  #heard(): string {
    const last = this.tags.slice(-20);
    return last
      .map(({ type, timestamp, payload }) => `${type}@${timestamp}:${payload.length}`)
      .join(' ');
  }
}
