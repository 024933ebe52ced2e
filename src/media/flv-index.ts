/** The key frame index of an FLV recording: where players may seek to, bounded however long the recording is. */

/** A tag that playing may start at. */
export interface FlvIndexEntry {
  readonly timeMs: number;
  /** File offset of the tag's header. */
  readonly position: number;
}

/** In a recording without pictures so much sound lies between two entries. */
const audioStepMs = 5000;

/**
 * Collects key frames in file order; when there are more than `capacity`, evenly thins them out. As long as there is
 * no picture, sound is indexed every few seconds.
 */
export class FlvIndex {
  readonly #capacity: number;
  #entries: FlvIndexEntry[] = [];
  #hasVideo = false;
  /** Entries closer together are left out. */
  #stepMs = 0;

  constructor(capacity: number, entries: readonly FlvIndexEntry[] = [], hasVideo = false) {
    this.#capacity = capacity;
    this.#hasVideo = hasVideo;
    for (const entry of entries) this.#add(entry);
  }

  get entries(): readonly FlvIndexEntry[] {
    return this.#entries;
  }

  /** A video key frame. */
  addVideo(timeMs: number, position: number): void {
    if (!this.#hasVideo) this.#entries = [];
    this.#hasVideo = true;
    this.#add({ timeMs, position });
  }

  /** An audio frame. */
  addAudio(timeMs: number, position: number): void {
    const last = this.#entries.at(-1);
    if (this.#hasVideo || (last !== undefined && timeMs - last.timeMs < audioStepMs)) return;
    this.#add({ timeMs, position });
  }

  /** The same for the first `end` bytes of the file. */
  cutAt(end: number): FlvIndex {
    const kept = this.#entries.filter(({ position }) => position < end);
    return new FlvIndex(this.#capacity, kept, this.#hasVideo);
  }

  /** At most `count` entries, evenly chosen, the first one among them. */
  pick(count: number): readonly FlvIndexEntry[] {
    if (this.#entries.length <= count) return this.#entries;
    const step = this.#entries.length / count;
    return this.#entries.filter(
      (_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step),
    );
  }

  #add(entry: FlvIndexEntry): void {
    const last = this.#entries.at(-1);
    // Times that go back cannot be sought to.
    if (last !== undefined && entry.timeMs - last.timeMs < Math.max(1, this.#stepMs)) return;
    this.#entries.push(entry);
    if (this.#entries.length > this.#capacity) this.#thinOut();
  }

  /** Leaves about half of the entries, and of those to come. */
  #thinOut(): void {
    const [first, last] = [this.#entries[0], this.#entries.at(-1)];
    if (first === undefined || last === undefined) return;
    this.#stepMs = Math.ceil(((last.timeMs - first.timeMs) * 2) / this.#capacity);
    const all = this.#entries;
    this.#entries = [];
    for (const entry of all) this.#add(entry);
  }
}
