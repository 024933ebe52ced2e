/** Owns the audio of a stream as a file of its own: AAC as ADTS, MP3 as it is. */
import { parseAacConfig } from '../../../media/aac';
import { adtsHeaderBytes, adtsParameters, writeAdtsHeader } from '../../../media/adts';
import type { AdtsParameters } from '../../../media/adts';
import type { AudioTrack, MediaFrame, MediaTrack } from '../../../media/track';

import type { EncoderEvents, FeedEncoder } from './feed-encoder';

/** An ID3v2.3 tag without frames: ten bytes of header, ten of padding. */
const ID3_HEAD = Buffer.from([
  0x49,
  0x44,
  0x33,
  3,
  0,
  0,
  0,
  0,
  0,
  10,
  ...Array<number>(10).fill(0),
]);

/** Collects frames between two flushes; every chunk is one that a player may begin with. */
abstract class AudioEncoder implements FeedEncoder {
  abstract readonly head: Buffer | undefined;
  protected readonly events: EncoderEvents;
  readonly #pieces: Buffer[] = [];
  #frames = 0;
  #timeMs = 0;

  constructor(events: EncoderEvents) {
    this.events = events;
  }

  onTrack(track: MediaTrack): void {
    if (track.kind === 'audio') this.onAudioTrack(track);
  }

  onFrame(frame: MediaFrame): void {
    if (frame.kind !== 'audio') return;
    const pieces = this.frame(frame.data);
    if (pieces.length === 0) return;
    if (this.#frames === 0) this.#timeMs = frame.timestamp;
    this.#frames++;
    this.#pieces.push(...pieces);
  }

  flush(): void {
    if (this.#frames === 0) return;
    const data = Buffer.concat(this.#pieces.splice(0));
    const frames = this.#frames;
    this.#frames = 0;
    this.events.onChunk({ data, isStart: true, timeMs: this.#timeMs, frames });
  }

  restart(): void {
    this.flush();
    this.forget();
  }

  protected abstract onAudioTrack(track: AudioTrack): void;
  /** What is written for a frame; nothing without a track that suits. */
  protected abstract frame(data: Buffer): Buffer[];
  /** The track is gone. */
  protected abstract forget(): void;
}

/** AAC frames, each behind its ADTS header. */
export class AacEncoder extends AudioEncoder {
  readonly head = undefined;
  #parameters: AdtsParameters | undefined;

  protected override onAudioTrack({ codec, record }: AudioTrack): void {
    this.#parameters = undefined;
    if (codec !== 'mp4a') {
      this.events.onUnsuitable(`expect AAC audio for .aac, the stream has ${codecName(codec)}`);
      return;
    }
    this.#parameters = adtsParameters(parseAacConfig(record));
    if (this.#parameters) return;
    this.events.onUnsuitable(
      `expect AAC that ADTS can carry, got AudioSpecificConfig 0x${record.toString('hex')}`,
    );
  }

  protected override frame(data: Buffer): Buffer[] {
    if (!this.#parameters) return [];
    const header = Buffer.alloc(adtsHeaderBytes);
    writeAdtsHeader(header, 0, this.#parameters, data.length);
    return [header, data];
  }

  protected override forget(): void {
    this.#parameters = undefined;
  }
}

/** MP3 frames behind an ID3 tag. */
export class Mp3Encoder extends AudioEncoder {
  readonly head = ID3_HEAD;
  #isSuitable = false;

  protected override onAudioTrack({ codec }: AudioTrack): void {
    this.#isSuitable = codec === '.mp3';
    if (this.#isSuitable) return;
    this.events.onUnsuitable(`expect MP3 audio for .mp3, the stream has ${codecName(codec)}`);
  }

  protected override frame(data: Buffer): Buffer[] {
    return this.#isSuitable ? [data] : [];
  }

  protected override forget(): void {
    this.#isSuitable = false;
  }
}

const CODEC_NAMES: Readonly<Partial<Record<AudioTrack['codec'], string>>> = {
  mp4a: 'AAC',
  '.mp3': 'MP3',
  fLaC: 'FLAC',
  'ac-3': 'AC-3',
  'ec-3': 'E-AC-3',
};

function codecName(codec: AudioTrack['codec']): string {
  return CODEC_NAMES[codec] ?? codec;
}
