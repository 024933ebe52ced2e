/** The one video track that is read of a stream: takes its configurations and frames, knows when it really changes. */
import { isLengthPrefixed, startsWithStartCode, toLengthPrefixed } from './annexb';
import { avcTrackOfFrame, trackByKeyFrame } from './key-frame';
import type { VideoTrack } from './track';
import { videoTrackOf } from './track-configuration';

/** NAL unit lengths of streams that announce no other. */
const usualLengthSize = 4;

/**
 * A track is told of when its size is known: from its configuration or, when that does not say, from its first key
 * frame. Parameter sets inside H.264 and H.265 key frames that the configuration does not have make a new one.
 */
export class VideoLane {
  readonly #onTrack: (track: VideoTrack) => void;
  /** The configuration as it came last, to tell a repeated one from a new one. */
  #record: Buffer | undefined;
  #track: VideoTrack | undefined;
  #isAnnounced = false;

  constructor(onTrack: (track: VideoTrack) => void) {
    this.#onTrack = onTrack;
  }

  /** Takes a configuration record. Throws `SrsError` HLS_DECODE_ERROR when it is malformed, and keeps the old one. */
  configure(codec: VideoTrack['codec'], data: Buffer): void {
    const old = this.#track;
    if (old?.codec === codec && this.#record?.equals(data) === true) return;
    // A copy: a track lives long, and must not keep the buffer that the message came in.
    const record = Buffer.from(data);
    const track = videoTrackOf(codec, record);
    this.#record = record;
    if (old?.codec === codec && old.record.equals(track.record) && old.width > 0) return;
    this.#track = track;
    this.#isAnnounced = false;
    if (track.width > 0) this.#announce(track);
  }

  /**
   * The frame as it is passed on; undefined while its track is not known. Throws `SrsError` HLS_DECODE_ERROR when it
   * is malformed.
   */
  frame(codec: VideoTrack['codec'], data: Buffer, isKey: boolean): Buffer | undefined {
    const track = this.#track;
    if (track?.codec !== codec) {
      return codec === 'avc1' && isKey ? this.#unannouncedAvc(data) : undefined;
    }
    const frame = track.lengthSize > 0 ? toLengthPrefixed(data, track.lengthSize) : data;
    if (isKey) this.#learn(track, frame);
    return this.#isAnnounced ? frame : undefined;
  }

  /** Takes over what a key frame tells of its track. */
  #learn(known: VideoTrack, frame: Buffer): void {
    const track = trackByKeyFrame(known, frame);
    if (track === known && this.#isAnnounced) return;
    // H.264 and H.265 without parameter sets cannot be decoded, whatever reads it.
    if (track.width > 0 || track.lengthSize === 0) this.#announce(track);
  }

  /** H.264 whose parameter sets come in its key frames only, without any configuration. */
  #unannouncedAvc(data: Buffer): Buffer | undefined {
    if (!isLengthPrefixed(data, usualLengthSize) && !startsWithStartCode(data)) return undefined;
    const frame = toLengthPrefixed(data, usualLengthSize);
    const track = avcTrackOfFrame(frame, usualLengthSize);
    if (track === undefined) return undefined;
    this.#record = undefined;
    this.#announce(track);
    return frame;
  }

  #announce(track: VideoTrack): void {
    this.#track = track;
    this.#isAnnounced = true;
    this.#onTrack(track);
  }
}
