/** Owns which tracks of a stream go into its segments, and from which frame on. */
import type { Logger } from '../../core/logger';
import type { AudioTrack, MediaFrame, MediaTrack, VideoTrack } from '../../media/track';

import { containerSupports } from './container';
import type { HlsOptions } from './options';

/** The tracks in use, and those that wait for their first usable frame. */
export class TrackChoice {
  readonly #options: HlsOptions;
  readonly #log: Logger;
  readonly #refused = new Set<string>();
  #video: VideoTrack | undefined;
  #audio: AudioTrack | undefined;
  #nextVideo: VideoTrack | undefined;
  #nextAudio: AudioTrack | undefined;

  constructor(options: HlsOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  get video(): VideoTrack | undefined {
    return this.#video;
  }

  get audio(): AudioTrack | undefined {
    return this.#audio;
  }

  /** Whether a kind is not wanted at all. */
  isExcluded(kind: 'audio' | 'video'): boolean {
    return kind === 'audio' ? this.#options.acodec === 'an' : this.#options.vcodec === 'vn';
  }

  /** A track began or has changed; false when it will not be used. */
  offer(track: MediaTrack): boolean {
    const isUsed = !this.isExcluded(track.kind) && this.#isSupported(track);
    if (track.kind === 'video') this.#nextVideo = isUsed ? track : undefined;
    else this.#nextAudio = isUsed ? track : undefined;
    return isUsed;
  }

  /** Begins with these frames: pictures that are announced but not among them are left for later. */
  begin(frames: readonly MediaFrame[]): void {
    const hasPictures = frames.some((frame) => frame.kind === 'video');
    this.#video = hasPictures ? this.#nextVideo : undefined;
    this.#audio = this.#nextAudio;
  }

  /** Whether a frame is of use; `isChange`: from it on the tracks are others. */
  judge(frame: MediaFrame): { readonly isUsed: boolean; readonly isChange: boolean } {
    if (frame.kind === 'audio') {
      const isChange = this.#audio !== this.#nextAudio;
      this.#audio = this.#nextAudio;
      return { isUsed: this.#audio !== undefined, isChange };
    }
    const isChange = this.#video !== this.#nextVideo;
    // Without a key frame nobody can begin to decode the new track.
    if (isChange && this.#nextVideo !== undefined && !frame.isKey) {
      return { isUsed: false, isChange: false };
    }
    this.#video = this.#nextVideo;
    return { isUsed: this.#video !== undefined, isChange };
  }

  #isSupported(track: MediaTrack): boolean {
    const { format } = this.#options;
    if (containerSupports(format, track)) return true;
    const { kind, codec } = track;
    if (this.#refused.has(codec)) return false;
    this.#refused.add(codec);
    const hint = format === 'ts' && containerSupports('fmp4', track) ? ', hls_format fmp4 can' : '';
    this.#log.warn(`hls ignores the ${kind}: segments of ${format} cannot hold ${codec}${hint}`);
    return false;
  }
}
