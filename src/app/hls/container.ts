/** Owns how frames become the bytes of segments: MPEG-TS or fragmented MP4 behind one interface. */
import { FragmentWriter } from '../../media/mp4/fragment-writer';
import type { Fragment } from '../../media/mp4/fragment-writer';
import { mp4InitSegment, mp4Supports } from '../../media/mp4/init-segment';
import type { AudioTrack, MediaFrame, MediaTrack, VideoTrack } from '../../media/track';
import { TsMuxer } from '../../media/ts-muxer';

/** Makes the bytes of one segment after the other, and hands them to the `write` it was made with. */
export interface Container {
  /** What players need before the first segment of these tracks. */
  readonly init: Buffer | undefined;
  /** Begins anew, with these tracks; `end` comes before. */
  setTracks(video: VideoTrack | undefined, audio: AudioTrack | undefined): void;
  /** The first frame of what follows `setTracks` or `end`. */
  begin(frame: MediaFrame): void;
  add(frame: MediaFrame): void;
  /** Ends a segment or part in front of `frame`: writes what precedes it, calls `onCut`, goes on with the frame. */
  cutAt(frame: MediaFrame, onCut: () => void): void;
  /** Writes all that precedes `frame`; `renew` comes next, then `begin` with the frame. */
  finishAt(frame: MediaFrame): void;
  /** What `begin` begins depends on nothing that was before; `sequence` numbers its first fragment. */
  renew(sequence: number): void;
  /** Writes what is left. What follows does not go on from here. */
  end(): void;
}

/** Takes bytes that will not change. */
export type WriteBytes = (bytes: Buffer) => void;

/** Sound without pictures is collected for so long into one packet of the stream. */
const PURE_AUDIO_PES_MS = 200;

/** Whether a format can hold a track. */
export function containerSupports(format: 'ts' | 'fmp4', track: MediaTrack): boolean {
  return format === 'ts' ? TsMuxer.supports(track) : mp4Supports(track);
}

/** A container of that format. */
export function createContainer(format: 'ts' | 'fmp4', write: WriteBytes): Container {
  return format === 'ts' ? new TsContainer(write) : new Fmp4Container(write);
}

/** MPEG-TS: each segment and part begins with the tables. */
class TsContainer implements Container {
  readonly init = undefined;
  readonly #write: WriteBytes;
  #muxer: TsMuxer | undefined;
  #tracks: [VideoTrack | undefined, AudioTrack | undefined] = [undefined, undefined];
  #isPureAudio = false;

  constructor(write: WriteBytes) {
    this.#write = write;
  }

  setTracks(video: VideoTrack | undefined, audio: AudioTrack | undefined): void {
    const isPureAudio = video === undefined;
    if (this.#muxer === undefined || isPureAudio !== this.#isPureAudio) {
      this.#muxer = new TsMuxer(this.#write, { audioPesMs: isPureAudio ? PURE_AUDIO_PES_MS : 0 });
    }
    this.#isPureAudio = isPureAudio;
    this.#tracks = [video, audio];
    this.#muxer.setTracks(video, audio);
  }

  begin(frame: MediaFrame): void {
    this.#muxer?.writeTables();
    this.#muxer?.writeFrame(frame);
  }

  add(frame: MediaFrame): void {
    this.#muxer?.writeFrame(frame);
  }

  cutAt(frame: MediaFrame, onCut: () => void): void {
    this.#muxer?.flush();
    onCut();
    this.begin(frame);
  }

  finishAt(): void {
    this.#muxer?.flush();
  }

  renew(): void {
    const audioPesMs = this.#isPureAudio ? PURE_AUDIO_PES_MS : 0;
    this.#muxer = new TsMuxer(this.#write, { audioPesMs, isContinued: true });
    this.#muxer.setTracks(...this.#tracks);
  }

  end(): void {
    this.#muxer?.reset();
  }
}

/** Fragmented MP4: each part is a fragment. The frame at a cut completes those before it. */
class Fmp4Container implements Container {
  readonly #write: WriteBytes;
  #tracks: MediaTrack[] = [];
  #init: Buffer | undefined;
  #writer: FragmentWriter | undefined;
  /** Number of the next fragment. */
  #sequence = 1;

  constructor(write: WriteBytes) {
    this.#write = write;
  }

  get init(): Buffer | undefined {
    return this.#init;
  }

  setTracks(video: VideoTrack | undefined, audio: AudioTrack | undefined): void {
    this.#tracks = [video, audio].filter((track) => track !== undefined);
    this.#init = mp4InitSegment(this.#tracks);
    this.#writer = undefined;
  }

  begin(frame: MediaFrame): void {
    this.#writer = new FragmentWriter(this.#tracks, { sequence: this.#sequence });
    this.#writer.add(frame);
  }

  add(frame: MediaFrame): void {
    this.#writer?.add(frame);
  }

  cutAt(frame: MediaFrame, onCut: () => void): void {
    this.#writer?.add(frame);
    this.#put(this.#writer?.cut());
    onCut();
  }

  finishAt(frame: MediaFrame): void {
    this.#put(this.#writer?.flushBefore(frame));
    this.#writer = undefined;
  }

  renew(sequence: number): void {
    this.#sequence = sequence >>> 0;
  }

  end(): void {
    this.#put(this.#writer?.flush());
    this.#writer = undefined;
  }

  #put(fragment: Fragment | undefined): void {
    if (fragment === undefined) return;
    this.#sequence++;
    for (const bytes of fragment.data) this.#write(bytes);
  }
}
