/** Sound on its way into MPEG-TS: smooth timestamps, ADTS headers, frames gathered for one PES packet. */
import { ErrorCode, SrsError } from '../core/errors';

import { parseAacConfig } from './aac';
import type { AdtsParameters } from './adts';
import { adtsHeaderBytes, adtsParameters, writeAdtsHeader } from './adts';
import type { AudioTrack } from './track';
import { clockWrap, ticksBetween, ticksPerMs } from './ts-packet';
import type { TsPacketWriter } from './ts-packet-writer';

const ticksPerSecond = 1000 * ticksPerMs;
/** The sample grid is left when the encoder's timestamps are farther off. */
const maxGridErrorTicks = 100 * ticksPerMs;
/** A PES packet of sound must state its length, 16 bits less the rest of its header. */
const maxPesBytes = 0xffff - 8;

/**
 * Times counted in samples: what encoders send is rounded to milliseconds and jitters, which some decoders turn into
 * gaps and clicks.
 */
export class SampleGrid {
  readonly #stepTicks: number;
  #base = 0;
  #count = -1;

  constructor(samplesPerFrame: number, sampleRate: number) {
    this.#stepTicks = (samplesPerFrame * ticksPerSecond) / sampleRate;
  }

  /** The time of the next frame, whose timestamp says `time`, in ticks. */
  next(time: number): number {
    const estimate = this.#base + ++this.#count * this.#stepTicks;
    const error = ticksBetween(estimate % clockWrap, time % clockWrap);
    if (this.#count > 0 && Math.abs(error) <= maxGridErrorTicks) return estimate;
    this.#base = time;
    this.#count = 0;
    return time;
  }
}

/** The frames of one track that wait for their PES packet. */
export class TsAudio {
  readonly #adts: AdtsParameters | undefined;
  readonly #grid: SampleGrid | undefined;
  readonly #header = Buffer.alloc(adtsHeaderBytes);
  #frames: Buffer[] = [];
  #bytes = 0;
  #first = 0;
  #last = 0;

  /** The track is one that `adtsOf` has parameters for, if it is AAC. */
  constructor(track: AudioTrack) {
    this.#adts = adtsOf(track);
    // Messages of other codecs may hold several frames, or a part of one.
    const isOnGrid = track.codec === 'mp4a' && track.samplesPerFrame > 0;
    this.#grid = isOnGrid ? new SampleGrid(track.samplesPerFrame, track.sampleRate) : undefined;
  }

  /** Bytes of the frames that wait, as they will be put; 0 when there are none. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Ticks of the first frame that waits. */
  get first(): number {
    return this.#first;
  }

  /** Ticks from the first frame that waits to the last. */
  get span(): number {
    return this.#last - this.#first;
  }

  /** The frame's time in ticks, to be asked once, before `add`. Throws `SrsError` when MPEG-TS cannot carry it. */
  accept(data: Buffer, time: number): number {
    if (this.#adts !== undefined) writeAdtsHeader(this.#header, 0, this.#adts, data.length);
    if (data.length > maxPesBytes) throw tooLong(data.length);
    return this.#grid?.next(time) ?? time;
  }

  /** True when the PES packet has to be written before a frame of this size is added. */
  isFullFor(data: Buffer): boolean {
    return this.#bytes > 0 && this.#bytes + adtsHeaderBytes + data.length > maxPesBytes;
  }

  add(data: Buffer, time: number): void {
    if (this.#bytes === 0) this.#first = time;
    this.#last = time;
    this.#frames.push(data);
    this.#bytes += data.length + (this.#adts === undefined ? 0 : adtsHeaderBytes);
  }

  /** Puts all that waits. */
  write(writer: TsPacketWriter): void {
    for (const frame of this.#frames) {
      if (this.#adts !== undefined) {
        writeAdtsHeader(this.#header, 0, this.#adts, frame.length);
        writer.put(this.#header);
      }
      writer.put(frame);
    }
    this.#frames = [];
    this.#bytes = 0;
  }
}

function tooLong(size: number): SrsError {
  return new SrsError(
    ErrorCode.HLS_DECODE_ERROR,
    `expected sound of at most ${maxPesBytes} bytes in one message, got ${size}`,
  );
}

/** What ADTS headers of an AAC track say; undefined for other codecs, and for AAC that ADTS cannot carry. */
export function adtsOf(track: AudioTrack): AdtsParameters | undefined {
  return track.codec === 'mp4a' ? adtsParameters(parseAacConfig(track.record)) : undefined;
}
