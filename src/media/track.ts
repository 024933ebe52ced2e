/** What a stream is made of once its container is taken off: tracks and coded frames. */

/** A picture track as its configuration record describes it. */
export interface VideoTrack {
  readonly kind: 'video';
  readonly codec: 'avc1' | 'hvc1' | 'av01' | 'vp09' | 'vp08';
  /** The body of the avcC, hvcC, av1C or vpcC box; for VP8 and VP9 it may be empty. */
  readonly record: Buffer;
  /** Pixels after cropping, 0 when not stated. */
  readonly width: number;
  readonly height: number;
  /** Frames per second, 0 when not stated. */
  readonly fps: number;
  /** Bytes of the length in front of each NAL unit: 1, 2 or 4; 0 for codecs without NAL units. */
  readonly lengthSize: number;
}

/** A sound track as its configuration record, or the header of its first frame, describes it. */
export interface AudioTrack {
  readonly kind: 'audio';
  readonly codec: 'mp4a' | '.mp3' | 'Opus' | 'fLaC' | 'ac-3' | 'ec-3';
  /** AudioSpecificConfig, OpusHead, `fLaC` with STREAMINFO; empty for codecs that have none. */
  readonly record: Buffer;
  /** Hz heard: that of SBR when AAC signals it; 0 when not stated. */
  readonly sampleRate: number;
  readonly channels: number;
  /** Samples of one frame at `sampleRate`: 1024 for AAC (2048 with SBR), 1152 or 576 for MP3; 0: varies. */
  readonly samplesPerFrame: number;
}

export type MediaTrack = VideoTrack | AudioTrack;

/** One coded frame. */
export interface MediaFrame {
  readonly kind: 'audio' | 'video';
  /** Decoding time in milliseconds, as the message had it. */
  readonly timestamp: number;
  /** Presentation less decoding time, milliseconds; may be negative. */
  readonly compositionMs: number;
  /** Decoding may start here; always true for audio. */
  readonly isKey: boolean;
  /**
   * Usually a view on the message: length-prefixed NAL units (H.264, H.265), a temporal unit of OBUs (AV1), one raw
   * AAC frame, one MP3, Opus, FLAC, AC-3 frame.
   */
  readonly data: Buffer;
}
