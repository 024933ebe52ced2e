/** Owns the recording of one publish: when files begin and end, and what their timelines are. */
import { describeError } from '../../core/errors';
import type { SrsError } from '../../core/errors';
import { TagFlags } from '../../media/codec';
import { FlvTagType } from '../../media/flv';
import type { AmfObject } from '../../rtmp/amf0-value';
import { Jitter } from '../stream/jitter';
import { headerSlot, NO_SLOT, SequenceHeaders } from '../stream/sequence-headers';
import type { StreamMessage, StreamStart } from '../stream/sink';

import type { ActiveFiles } from './active-files';
import { FlvRecording } from './flv-recording';
import { MAX_INDEX_ENTRIES } from './flv-repair';
import { Mp4Recording } from './mp4-recording';
import type { DvrOptions } from './options';
import type { ClosedRecording, Recording, RecordingParts } from './recording';
import type { RecordingHealth } from './recording-health';
import type { RecordingPaths } from './recording-paths';

/** What comes from outside the stream. */
export interface RecorderParts {
  readonly options: DvrOptions;
  readonly paths: RecordingPaths;
  readonly active: ActiveFiles;
  readonly health: RecordingHealth;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Epoch milliseconds. */
  readonly timeOfDayMs: () => number;
  /** A file is being closed; `startedAtMs` is epoch. */
  readonly onClosing: (closing: Promise<ClosedRecording | undefined>, startedAtMs: number) => void;
}

/** What carries no picture or sound. */
const stateFlags = TagFlags.sequenceHeader | TagFlags.metadata | TagFlags.endOfSequence;
const pictureFlags = TagFlags.keyFrame | TagFlags.interFrame;
/** Without a picture for so long a stream counts as one without video. */
const videoPauseMs = 10_000;
/** Segments have an index entry per half second at most. */
const indexStepMs = 500;
const fewestIndexEntries = 32;

/** A file, and when it was begun. */
interface Current {
  readonly recording: Recording;
  readonly startedAtMs: number;
}

/** Gets a publish's messages; `close` ends it. */
export class Recorder {
  readonly #start: StreamStart;
  readonly #key: string;
  readonly #parts: RecorderParts;
  readonly #headers = new SequenceHeaders();
  readonly #jitter: Jitter;
  readonly #isRebased: boolean;
  readonly #complaints = new Set<string>();
  #metadata: AmfObject | undefined;
  #current: Current | undefined;
  #isDisabled = false;
  /** After a failure, or in the middle of a stream, one with video goes on at a key frame. */
  #needsKeyToStart: boolean;
  /** The file has a picture that decoding can start at. */
  #hasKey = false;
  /** Time of the last video frame, -1 before the first. */
  #videoMs = -1;
  #baseMs = 0;
  #lastMs = -1;
  /** Media time in the file, steps back not counted. */
  #spanMs = 0;

  /** @param key the stream's `vhost/app/stream` */
  constructor(start: StreamStart, key: string, parts: RecorderParts) {
    this.#start = start;
    this.#key = key;
    this.#parts = parts;
    this.#jitter = new Jitter(parts.options.timeJitter);
    this.#isRebased = parts.options.timeJitter !== 'off';
    if (start.metadata) this.takeMetadata(start.metadata);
    for (const header of start.headers) this.#remember(header);
    // What has a picture already is not begun with sound alone.
    const hasVideo = start.headers.some(({ type }) => type === FlvTagType.video);
    this.#needsKeyToStart = hasVideo && parts.options.waitKeyframe;
    this.#resolvePath();
  }

  takeMetadata(metadata: AmfObject): void {
    this.#metadata = metadata;
    const frameRate = metadata.number('framerate') ?? 0;
    this.#jitter.setHints(frameRate, metadata.number('audiosamplerate') ?? 0);
    this.#current?.recording.setMetadata(metadata);
  }

  take(message: StreamMessage): void {
    if (this.#isDisabled || message.type === FlvTagType.script) return;
    const { type, timestamp, flags } = message;
    const timeMs = this.#jitter.correct(type, timestamp, flags);
    if (this.#needsKeyToStart && this.#videoMs < 0) this.#videoMs = timeMs;
    if ((flags & stateFlags) !== 0) {
      this.#remember(message);
      this.#current?.recording.write(message, this.#fileTime(timeMs));
      return;
    }
    this.#spanMs += Math.max(0, timeMs - this.#lastMs);
    this.#lastMs = timeMs;
    if (type === FlvTagType.video) this.#takeVideo(message, timeMs);
    else this.#takeAudio(message, timeMs);
    this.#checkHealth();
  }

  /** Ends the file and the recording; idempotent. */
  close(): void {
    this.#isDisabled = true;
    this.#split();
  }

  #takeVideo(message: StreamMessage, timeMs: number): void {
    const isKey = (message.flags & TagFlags.keyFrame) !== 0;
    const isPicture = (message.flags & pictureFlags) !== 0;
    if (isPicture) this.#videoMs = timeMs;
    const mayBegin = isKey || (isPicture && !this.#parts.options.waitKeyframe);
    if (mayBegin) this.#beginWithPicture(isKey, timeMs);
    if (!this.#current) return;
    if (isKey) this.#hasKey = true;
    // Before the first key frame of a file nothing can be decoded; commands wait with the pictures.
    if (mayBegin || this.#hasKey) this.#current.recording.write(message, this.#fileTime(timeMs));
  }

  #beginWithPicture(isKey: boolean, timeMs: number): void {
    if (this.#isDue()) this.#split();
    if (!this.#current && (isKey || !this.#needsKeyToStart)) this.#open(timeMs);
  }

  #takeAudio(message: StreamMessage, timeMs: number): void {
    const isAlone = this.#videoMs < 0 || Math.abs(timeMs - this.#videoMs) > videoPauseMs;
    if (this.#isDue() && (isAlone || !this.#parts.options.waitKeyframe)) this.#split();
    if (!this.#current && (isAlone || !this.#needsKeyToStart)) this.#open(timeMs);
    this.#current?.recording.write(message, this.#fileTime(timeMs));
  }

  #split(): void {
    if (this.#current) this.#finish(this.#current);
  }

  /** Whether the file should end as soon as possible. */
  #isDue(): boolean {
    if (!this.#current) return false;
    const { plan, durationMs } = this.#parts.options;
    const isLong = plan === 'segment' && durationMs > 0 && this.#spanMs >= durationMs;
    return isLong || this.#current.recording.isStale;
  }

  #open(timeMs: number): void {
    if (!this.#parts.health.mayTry(this.#parts.nowMs())) return;
    const path = this.#resolvePath();
    if (path === undefined) return;
    const { options, active, timeOfDayMs } = this.#parts;
    const parts: RecordingParts = {
      path,
      isAppend: options.plan === 'append',
      isRebased: this.#isRebased,
      key: this.#key,
      log: this.#start.log,
      active,
      headers: this.#headers.list(),
      metadata: this.#metadata,
      indexCapacity: indexCapacity(options),
      complain: (subject, text) => {
        this.#complain(subject, text);
      },
      onError: (error) => {
        this.#fail(current, error);
      },
    };
    const recording = options.format === 'mp4' ? new Mp4Recording(parts) : new FlvRecording(parts);
    const current: Current = { recording, startedAtMs: timeOfDayMs() };
    this.#current = current;
    this.#baseMs = timeMs;
    this.#spanMs = 0;
    this.#hasKey = false;
    this.#needsKeyToStart = false;
  }

  #finish(current: Current): void {
    if (this.#current === current) this.#current = undefined;
    this.#parts.onClosing(current.recording.close(), current.startedAtMs);
  }

  #fail(current: Current, error: SrsError): void {
    this.#parts.health.failed(this.#start.log, error, this.#parts.nowMs());
    // Otherwise it is being closed already.
    if (this.#current !== current) return;
    this.#needsKeyToStart = true;
    this.#hasKey = false;
    this.#finish(current);
  }

  #checkHealth(): void {
    const { health, nowMs } = this.#parts;
    if (health.isFailing && this.#current?.recording.isOnDisk === true) {
      health.works(this.#start.log, nowMs());
    }
  }

  #complain(subject: string, text: string): void {
    if (this.#complaints.has(subject)) return;
    this.#complaints.add(subject);
    this.#start.log.error(`dvr file of ${this.#key} ${text}`);
  }

  /** The path of a file that begins now; undefined, and no recording at all, when the names do not allow one. */
  #resolvePath(): string | undefined {
    try {
      return this.#parts.paths.resolve(this.#start.name, this.#parts.timeOfDayMs());
    } catch (error) {
      this.#isDisabled = true;
      this.#start.log.error(`dvr does not record this publish: ${describeError(error)}`, error);
      return undefined;
    }
  }

  #remember(message: StreamMessage): void {
    if (message.type === FlvTagType.script) return;
    const slot = headerSlot(message);
    if (slot === NO_SLOT) this.#headers.endTrack(message);
    else this.#headers.update(slot, message);
  }

  #fileTime(timeMs: number): number {
    return this.#isRebased ? Math.max(0, timeMs - this.#baseMs) : timeMs;
  }
}

function indexCapacity({ plan, durationMs }: DvrOptions): number {
  if (plan !== 'segment' || durationMs === 0) return MAX_INDEX_ENTRIES;
  const entries = Math.ceil(durationMs / indexStepMs);
  return Math.min(MAX_INDEX_ENTRIES, Math.max(fewestIndexEntries, entries));
}
