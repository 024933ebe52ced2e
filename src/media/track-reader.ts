/** Turns audio and video messages, legacy FLV and Enhanced RTMP, into tracks and coded frames. */
import { AudioLane } from './audio-lane';
import { TagFlags } from './codec';
import { FlvTagType } from './flv';
import { locateTagBody } from './tag-body';
import type { TagBody } from './tag-body';
import type { MediaKind } from './tag-header';
import type { AudioTrack, MediaFrame, MediaTrack, VideoTrack } from './track';
import { isAudioCodec, isVideoCodec } from './track-configuration';
import { VideoLane } from './video-lane';

/** What a reader tells of the stream. */
export interface TrackEvents {
  /** A track began or its configuration really changed. Comes before the first frame it describes. */
  onTrack(track: MediaTrack): void;
  onFrame(frame: MediaFrame): void;
  /** The encoder ended a track; a new configuration follows if it goes on. */
  onEndOfSequence?(kind: MediaKind): void;
  /** Something is not understood and passed over; once per reason. */
  onIgnored(reason: string): void;
}

/** One message: an FLV tag's body, or an RTMP message's payload. */
export interface TrackMessage {
  /** 8 audio, 9 video; others are ignored. */
  readonly type: number;
  /** Milliseconds. */
  readonly timestamp: number;
  /** `TagFlags` of the body. */
  readonly flags: number;
  readonly payload: Buffer;
}

/** Reasons kept, so that a peer cannot fill memory and log with new ones. */
const maxReasons = 16;

/**
 * Reads the first audio and the first video track of one stream. Ignored are: data, commands, empty messages, frames
 * before their configuration, tracks other than the first, unknown codecs.
 */
export class TrackReader {
  readonly #events: TrackEvents;
  readonly #reasons = new Set<string>();
  readonly #trackIds: { audio?: number; video?: number } = {};
  #video: VideoLane;
  #audio: AudioLane;

  constructor(events: TrackEvents) {
    this.#events = events;
    this.#video = new VideoLane(this.#announce);
    this.#audio = new AudioLane(this.#announce);
  }

  /**
   * Takes one message. Throws `SrsError` HLS_DECODE_ERROR for a malformed configuration or frame; the reader stays
   * usable and what it knew before is kept.
   */
  read(message: TrackMessage): void {
    if (message.type === FlvTagType.video) this.#readKind('video', message);
    if (message.type === FlvTagType.audio) this.#readKind('audio', message);
  }

  /** Forgets both tracks, as for a new publisher; reasons already told are told again. */
  reset(): void {
    this.#video = new VideoLane(this.#announce);
    this.#audio = new AudioLane(this.#announce);
    delete this.#trackIds.video;
    delete this.#trackIds.audio;
    this.#reasons.clear();
  }

  readonly #announce = (track: MediaTrack): void => {
    this.#events.onTrack(track);
  };

  #readKind(kind: MediaKind, message: TrackMessage): void {
    const body = locateTagBody(kind, message.payload, this.#trackIds[kind]);
    if (body === undefined || body.content === 'other') return;
    if (!isVideoCodec(body.codec) && !isAudioCodec(body.codec)) {
      this.#ignore(`${kind} codec ${printable(body.codec)} is not supported`);
    } else if (!this.#isChosen(kind, body)) {
      this.#ignore(`more than one ${kind} track, only track ${this.#trackIds[kind] ?? 0} is used`);
    } else if (body.content === 'end') {
      this.#events.onEndOfSequence?.(kind);
    } else {
      this.#readBody(body, message);
    }
  }

  /** The first track that comes is read, until a configuration of track 0 comes, which is the default one. */
  #isChosen(kind: MediaKind, body: TagBody): boolean {
    const chosen = this.#trackIds[kind];
    if (chosen === body.trackId) return true;
    const isDefault = body.trackId === 0 && body.content === 'configuration';
    if (chosen !== undefined && !isDefault) return false;
    this.#trackIds[kind] = body.trackId;
    return true;
  }

  #readBody(body: TagBody, message: TrackMessage): void {
    const { codec, content } = body;
    const data = message.payload.subarray(body.start, body.end);
    const isConfiguration = content === 'configuration';
    if (isVideoCodec(codec)) {
      // VP8 and VP9 do without a record.
      const needsBytes = !isConfiguration || !codec.startsWith('vp');
      if (needsBytes && data.length === 0) return;
      if (isConfiguration) this.#video.configure(codec, data);
      else this.#readVideoFrame(codec, body.compositionMs, message, data);
    } else if (isAudioCodec(codec) && data.length > 0) {
      if (isConfiguration) this.#audio.configure(codec, data);
      else this.#readAudioFrame(codec, message.timestamp, data);
    }
  }

  #readVideoFrame(
    codec: VideoTrack['codec'],
    compositionMs: number,
    message: TrackMessage,
    data: Buffer,
  ): void {
    const isKey = (message.flags & TagFlags.keyFrame) !== 0;
    const frame = this.#video.frame(codec, data, isKey);
    const { timestamp } = message;
    if (frame === undefined) this.#ignore('video frames before their configuration');
    else this.#events.onFrame({ kind: 'video', timestamp, compositionMs, isKey, data: frame });
  }

  #readAudioFrame(codec: AudioTrack['codec'], timestamp: number, data: Buffer): void {
    const refusal = this.#audio.refuse(codec, data);
    if (refusal !== undefined) this.#ignore(refusal);
    else this.#events.onFrame({ kind: 'audio', timestamp, compositionMs: 0, isKey: true, data });
  }

  #ignore(reason: string): void {
    if (this.#reasons.has(reason) || this.#reasons.size >= maxReasons) return;
    this.#reasons.add(reason);
    this.#events.onIgnored(reason);
  }
}

/** A codec's name as it may stand in a log line. */
function printable(codec: string): string {
  return /^[ -~]+$/.test(codec) ? codec : `0x${Buffer.from(codec, 'latin1').toString('hex')}`;
}
