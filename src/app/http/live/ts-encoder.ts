/** Owns the MPEG-TS form of a stream: when its tracks are known, and where a player may begin. */
import type { AudioTrack, MediaFrame, MediaTrack, VideoTrack } from '../../../media/track';
import { TsMuxer } from '../../../media/ts-muxer';

import type { EncoderEvents, FeedEncoder } from './feed-encoder';

/** A second track is waited for so long, in ms of media, before the first is thought to be alone. */
const TRACKS_WAIT_MS = 500;
/** And for no more than so many frames. */
const TRACKS_WAIT_FRAMES = 256;
/** Without video a player may begin so often, ms of media. */
const AUDIO_START_MS = 500;
/** Audio that is put into one PES packet, ms; a flush cuts it short. */
const AUDIO_PES_MS = 120;

/**
 * MPEG-TS in chunks, of which those that say so begin with tables and a key frame, or any frame of a stream without
 * video.
 */
export class TsEncoder implements FeedEncoder {
  readonly head = undefined;
  readonly #events: EncoderEvents;
  readonly #packets: Buffer[] = [];
  readonly #muxer = new TsMuxer((packets) => this.#packets.push(packets), {
    audioPesMs: AUDIO_PES_MS,
  });
  #video: VideoTrack | undefined;
  #audio: AudioTrack | undefined;
  /** Frames that wait for the second track; undefined once the tracks are settled. */
  #held: MediaFrame[] | undefined = [];
  /** The chunk in the making. */
  #isStart = false;
  #hasStarted = false;
  #startedMs = 0;
  #frames = 0;
  #timeMs = 0;

  constructor(events: EncoderEvents) {
    this.#events = events;
  }

  onTrack(track: MediaTrack): void {
    if (!TsMuxer.supports(track)) {
      const reason = `MPEG-TS cannot carry ${track.codec} ${track.kind}`;
      if (track.kind === 'video') this.#events.onUnsuitable(reason);
      else this.#events.onIgnored(reason);
      return;
    }
    this.#cut();
    if (track.kind === 'video') {
      this.#video = track;
      this.#hasStarted = false;
    } else this.#audio = track;
    if (this.#held === undefined) this.#muxer.setTracks(this.#video, this.#audio);
  }

  onFrame(frame: MediaFrame): void {
    if (this.#held === undefined) {
      this.#write(frame);
      return;
    }
    this.#held.push(frame);
    const spanMs = frame.timestamp - (this.#held[0]?.timestamp ?? 0);
    const isLate = spanMs >= TRACKS_WAIT_MS || this.#held.length >= TRACKS_WAIT_FRAMES;
    if (isLate || (this.#video && this.#audio)) this.#settle();
  }

  flush(): void {
    this.#cut();
  }

  restart(): void {
    this.#cut();
    this.#muxer.reset();
    this.#video = undefined;
    this.#audio = undefined;
    this.#held = [];
    this.#hasStarted = false;
  }

  #settle(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#muxer.setTracks(this.#video, this.#audio);
    for (const frame of held) this.#write(frame);
  }

  #write(frame: MediaFrame): void {
    if ((frame.kind === 'video' ? this.#video : this.#audio) === undefined) return;
    const isStart = this.#video ? frame.kind === 'video' && frame.isKey : this.#isAudioStart(frame);
    if (!isStart && !this.#hasStarted) return;
    if (isStart) this.#begin(frame.timestamp);
    if (this.#frames === 0) this.#timeMs = frame.timestamp;
    this.#frames++;
    this.#muxer.writeFrame(frame);
  }

  #isAudioStart({ timestamp }: MediaFrame): boolean {
    const sinceMs = timestamp - this.#startedMs;
    return !this.#hasStarted || sinceMs >= AUDIO_START_MS || sinceMs < 0;
  }

  #begin(timestamp: number): void {
    this.#cut();
    this.#startedMs = timestamp;
    this.#hasStarted = true;
    this.#isStart = true;
    this.#muxer.writeTables();
  }

  #cut(): void {
    this.#muxer.flush();
    const { length } = this.#packets;
    const data = length === 1 ? this.#packets.pop() : Buffer.concat(this.#packets.splice(0));
    const [isStart, frames] = [this.#isStart, this.#frames];
    this.#isStart = false;
    this.#frames = 0;
    if (data === undefined || data.length === 0) return;
    this.#events.onChunk({ data, isStart, timeMs: this.#timeMs, frames });
  }
}
