/** Owns what a remuxed form of a stream is made of, and what makes it. */
import type { MediaFrame, MediaTrack } from '../../../media/track';

/** Some of an encoded stream, the same bytes for every player. */
export interface FeedChunk {
  readonly data: Buffer;
  /** A player may begin here. */
  readonly isStart: boolean;
  /** Of its first frame, ms. */
  readonly timeMs: number;
  readonly frames: number;
}

/** Who gets what an encoder makes. */
export interface EncoderEvents {
  onChunk(chunk: FeedChunk): void;
  /** The container cannot carry the stream; nothing more comes. */
  onUnsuitable(reason: string): void;
  /** A track is left out. */
  onIgnored(reason: string): void;
}

/** Turns tracks and frames into chunks of one container. May throw `SrsError` at frames that it cannot carry. */
export interface FeedEncoder {
  /** What stands before everything else, for every player. */
  readonly head: Buffer | undefined;
  onTrack(track: MediaTrack): void;
  onFrame(frame: MediaFrame): void;
  /** No more frames for now: what there is goes out. */
  flush(): void;
  /** Another publisher: the tracks are to come anew, in a later part of the same file. */
  restart(): void;
}
