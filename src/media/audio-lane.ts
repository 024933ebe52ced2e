/** The one audio track that is read of a stream: takes its configurations and frames, knows when it really changes. */
import type { AudioTrack } from './track';
import { audioTrackOf, audioTrackOfFrame } from './track-configuration';

/** AAC, Opus and FLAC are described by a configuration; MP3, AC-3 and E-AC-3 by the header of each frame. */
export class AudioLane {
  readonly #onTrack: (track: AudioTrack) => void;
  #track: AudioTrack | undefined;

  constructor(onTrack: (track: AudioTrack) => void) {
    this.#onTrack = onTrack;
  }

  /** Takes a configuration record. Throws `SrsError` HLS_DECODE_ERROR when it is malformed, and keeps the old one. */
  configure(codec: AudioTrack['codec'], data: Buffer): void {
    const isSame = this.#track?.codec === codec && this.#track.record.equals(data);
    if (isSame || !hasConfiguration(codec)) return;
    // A copy: a track lives long, and must not keep the buffer that the message came in.
    const track = audioTrackOf(codec, Buffer.from(data));
    if (track !== undefined) this.#announce(track);
  }

  /** Why a frame cannot be passed on; undefined when it can. May tell of a new track first. */
  refuse(codec: AudioTrack['codec'], data: Buffer): string | undefined {
    if (hasConfiguration(codec)) {
      return this.#track?.codec === codec ? undefined : 'audio frames before their configuration';
    }
    const track = audioTrackOfFrame(codec, data);
    if (track === undefined) return `${codec} frames without a header`;
    if (!isSameSound(track, this.#track)) this.#announce(track);
    return undefined;
  }

  #announce(track: AudioTrack): void {
    this.#track = track;
    this.#onTrack(track);
  }
}

function hasConfiguration(codec: AudioTrack['codec']): boolean {
  return codec === 'mp4a' || codec === 'Opus' || codec === 'fLaC';
}

function isSameSound(track: AudioTrack, other: AudioTrack | undefined): boolean {
  return (
    track.codec === other?.codec &&
    track.sampleRate === other.sampleRate &&
    track.channels === other.channels &&
    track.samplesPerFrame === other.samplesPerFrame
  );
}
