/** Finds out how much of an FLV file is whole, and what it holds, from the headers of its tags. */
import { TagFlags, classifyAudio, classifyVideo } from './codec';
import {
  FlvTagType,
  flvFirstTagAt,
  flvHeaderBytes,
  flvPreviousTagSizeBytes,
  flvTagHeaderBytes,
  isFlvTagType,
} from './flv';
import { FlvIndex } from './flv-index';

/** A file, read piece by piece. */
export interface FlvSource {
  readonly size: number;
  /** The bytes from `position` on: `length` of them, or fewer at the end of the file. */
  read(position: number, length: number): Promise<Buffer>;
}

/** The whole part of a file. */
export interface FlvScan {
  /** Where the last whole tag ends; 0 when it does not begin as an FLV file. */
  readonly end: number;
  /** Audio and video tags that are neither headers nor metadata. */
  readonly frames: number;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  /** Smallest and largest time of the frames; 0 without frames. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly index: FlvIndex;
  /** Body of the first tag when it is a script tag, as a recording's metadata is. */
  readonly script: Buffer | undefined;
}

/** Bytes read at once: in most streams several tags. */
const windowBytes = 16 * 1024;
/** Enough of a tag's body to tell what it is. */
const bodyBytes = 32;
const largestScript = 1024 * 1024;
const notFrames = TagFlags.sequenceHeader | TagFlags.metadata | TagFlags.endOfSequence;

/** Walks the tags of a file up to its end or the first damage, which is no error; rejects only when the source does. */
export async function scanFlv(source: FlvSource, indexCapacity: number): Promise<FlvScan> {
  return new FlvWalk(source, indexCapacity).run();
}

class FlvWalk {
  readonly #source: FlvSource;
  readonly #index: FlvIndex;
  #window: Buffer = Buffer.alloc(0);
  #windowAt = 0;
  #frames = 0;
  #hasAudio = false;
  #hasVideo = false;
  #firstMs = Infinity;
  #lastMs = 0;

  constructor(source: FlvSource, indexCapacity: number) {
    this.#source = source;
    this.#index = new FlvIndex(indexCapacity);
  }

  async run(): Promise<FlvScan> {
    let end = 0;
    let script: Buffer | undefined;
    if (await this.#isFlv()) {
      end = flvFirstTagAt;
      script = await this.#script();
      for (let next = await this.#tagEnd(end); next > end; next = await this.#tagEnd(end))
        end = next;
    }
    return {
      end,
      frames: this.#frames,
      hasAudio: this.#hasAudio,
      hasVideo: this.#hasVideo,
      firstMs: this.#frames > 0 ? this.#firstMs : 0,
      lastMs: this.#lastMs,
      index: this.#index,
      script,
    };
  }

  async #isFlv(): Promise<boolean> {
    const header = await this.#bytes(0, flvFirstTagAt);
    if (header.length < flvFirstTagAt || header.toString('latin1', 0, 3) !== 'FLV') return false;
    return header.readUInt32BE(5) === flvHeaderBytes;
  }

  async #script(): Promise<Buffer | undefined> {
    const header = await this.#bytes(flvFirstTagAt, flvTagHeaderBytes);
    if (header.length < flvTagHeaderBytes || header[0] !== FlvTagType.script) return undefined;
    const size = header.readUIntBE(1, 3);
    if (size > largestScript) return undefined;
    const body = await this.#source.read(flvFirstTagAt + flvTagHeaderBytes, size);
    return body.length === size ? body : undefined;
  }

  /** Takes the tag at a position: returns where the next one begins, 0 when there is no whole tag. */
  async #tagEnd(at: number): Promise<number> {
    const bytes = await this.#bytes(at, flvTagHeaderBytes + bodyBytes);
    if (bytes.length < flvTagHeaderBytes) return 0;
    const type = bytes.readUInt8(0);
    const size = bytes.readUIntBE(1, 3);
    const end = at + flvTagHeaderBytes + size + flvPreviousTagSizeBytes;
    const isTag = isFlvTagType(type) && bytes.readUIntBE(8, 3) === 0;
    if (!isTag || end > this.#source.size) return 0;
    const timeMs = bytes.readUIntBE(4, 3) + (bytes.readUInt8(7) & 0x7f) * 2 ** 24;
    const body = bytes.subarray(flvTagHeaderBytes, flvTagHeaderBytes + size);
    if (type !== FlvTagType.script && size > 0) {
      this.#take(type === FlvTagType.video, body, timeMs, at);
    }
    return end;
  }

  #take(isVideo: boolean, body: Buffer, timeMs: number, at: number): void {
    const classify = isVideo ? classifyVideo : classifyAudio;
    const flags = classify(body, 0, body.length);
    if (isVideo) this.#hasVideo = true;
    else this.#hasAudio = true;
    if ((flags & notFrames) !== 0) return;
    this.#frames++;
    this.#firstMs = Math.min(this.#firstMs, timeMs);
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    if (!isVideo) this.#index.addAudio(timeMs, at);
    else if ((flags & TagFlags.keyFrame) !== 0) this.#index.addVideo(timeMs, at);
  }

  /** These bytes, or fewer at the end of the file. */
  async #bytes(at: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, this.#source.size - at);
    const offset = at - this.#windowAt;
    if (offset < 0 || offset + wanted > this.#window.length) {
      this.#window = await this.#source.read(at, windowBytes);
      this.#windowAt = at;
    }
    const start = at - this.#windowAt;
    return this.#window.subarray(start, start + length);
  }
}
