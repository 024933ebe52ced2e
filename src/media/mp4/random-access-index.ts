/** The index at the end of a finished recording that lets players seek: an mfra box (ISO/IEC 14496-12, 8.8.9). */
import { ByteWriter } from '../byte-writer';
import type { MediaTrack } from '../track';

import { box, fullBox, writeU64 } from './box';
import { timescaleOf } from './track-clock';

/** Entries kept; beyond, every second one goes. */
const maxEntries = 4096;
/** Two 64-bit numbers, and one byte each for the numbers of traf, trun and sample. */
const entryBytes = 19;
const mfroBytes = 16;

interface Entry {
  /** File offset of the moof box. */
  readonly position: number;
  readonly timeMs: number;
}

/** The fragments of a recording that decoding may start at; at most 4096, evenly thinned out when there are more. */
export class RandomAccessIndex {
  readonly #trackId: number;
  readonly #timescale: number;
  #entries: Entry[] = [];
  /** One of this many fragments is kept. */
  #stride = 1;
  #seen = 0;

  /** Indexes the track of a fragment's first run. */
  constructor(track: { readonly id: number; readonly timescale: number }) {
    this.#trackId = track.id;
    this.#timescale = track.timescale;
  }

  /** For a recording that `FragmentWriter` makes of these tracks: indexes video, or audio when there is no video. */
  static of(tracks: readonly MediaTrack[]): RandomAccessIndex {
    const video = tracks.findIndex((track) => track.kind === 'video');
    const main = Math.max(0, video);
    const track = tracks[main];
    const timescale = track === undefined ? 1000 : timescaleOf(track);
    return new RandomAccessIndex({ id: main + 1, timescale });
  }

  /** Adds an independent fragment: file offset of its moof, presentation time of its first frame. In file order. */
  add(position: number, timeMs: number): void {
    const isKept = this.#seen++ % this.#stride === 0;
    if (!isKept) return;
    this.#entries.push({ position, timeMs });
    if (this.#entries.length <= maxEntries) return;
    this.#entries = this.#entries.filter((_, index) => index % 2 === 0);
    this.#stride *= 2;
  }

  /** The mfra box, which belongs at the very end of the file. */
  toBuffer(): Buffer {
    const writer = new ByteWriter(12 + entryBytes * this.#entries.length);
    // The numbers of traf, trun and sample take one byte each.
    writer.u32(this.#trackId).u32(0).u32(this.#entries.length);
    for (const entry of this.#entries) {
      writeU64(writer, Math.max(0, Math.round((entry.timeMs * this.#timescale) / 1000)));
      writeU64(writer, entry.position).u8(1).u8(1).u8(1);
    }
    const tfra = fullBox('tfra', 1, 0, writer.done());
    const mfraBytes = new ByteWriter(4).u32(8 + tfra.length + mfroBytes).done();
    return box('mfra', tfra, fullBox('mfro', 0, 0, mfraBytes));
  }
}
