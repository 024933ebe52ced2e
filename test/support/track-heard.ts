/** A track reader whose every word is kept, and bodies of messages for it. */
import { classifyAudio, classifyVideo } from '../../src/media/codec';
import type { MediaFrame, MediaTrack } from '../../src/media/track';
import { TrackReader } from '../../src/media/track-reader';

import { hex } from './media';

/** A reader and what it told, in order. */
export class Heard {
  readonly tracks: MediaTrack[] = [];
  readonly frames: MediaFrame[] = [];
  readonly ignored: string[] = [];
  readonly ended: string[] = [];
  readonly reader = new TrackReader({
    onTrack: (track) => this.tracks.push(track),
    onFrame: (frame) => this.frames.push(frame),
    onEndOfSequence: (kind) => this.ended.push(kind),
    onIgnored: (reason) => this.ignored.push(reason),
  });

  video(...bodies: Buffer[]): this {
    for (const payload of bodies) {
      const flags = classifyVideo(payload, 0, payload.length);
      this.reader.read({ type: 9, timestamp: 40, flags, payload });
    }
    return this;
  }

  audio(...bodies: Buffer[]): this {
    for (const payload of bodies) {
      const flags = classifyAudio(payload, 0, payload.length);
      this.reader.read({ type: 8, timestamp: 23, flags, payload });
    }
    return this;
  }

  /** The tracks as text. */
  get codecs(): string[] {
    return this.tracks.map((track) =>
      track.kind === 'video'
        ? `${track.codec} ${track.width}x${track.height} /${track.lengthSize}`
        : `${track.codec} ${track.sampleRate}x${track.channels} /${track.samplesPerFrame}`,
    );
  }

  /** The frames as text. */
  get data(): string[] {
    return this.frames.map((frame) => frame.data.toString('hex'));
  }
}

/** An Enhanced RTMP body: first bytes, FourCC, the rest. */
export function enhanced(first: string, fourCc: string, ...rest: Buffer[]): Buffer {
  return Buffer.concat([hex(first), Buffer.from(fourCc), ...rest]);
}

/** A legacy FLV body: its header, the rest. */
export function legacy(head: string, ...rest: Buffer[]): Buffer {
  return Buffer.concat([hex(head), ...rest]);
}

/** A NAL unit behind its length. */
export function unit(nal: Buffer): Buffer {
  return Buffer.concat([hex(nal.length.toString(16).padStart(8, '0')), nal]);
}
