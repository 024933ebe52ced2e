/** Owns the way of a publisher's messages into HLS: tracks, timeline, start, and what happens on errors. */
import type { Clock } from '../../core/clock';
import { describeError, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { RateLimit } from '../../core/rate-limit';
import type { MediaFrame, MediaTrack } from '../../media/track';
import { TrackReader } from '../../media/track-reader';
import type { AmfObject } from '../../rtmp/amf0-value';
import type { StreamMessage, StreamSink, StreamStart } from '../stream/sink';

import type { HlsStream } from './hls-stream';
import type { HlsOptions } from './options';
import { StartGate } from './start-gate';
import { Timeline } from './timeline';
import { TrackChoice } from './track-choice';

/** A hole in the timestamps longer than this begins a new timeline. */
const FORWARD_LIMIT_MS = 5000;
/** Bad packets are told of at most once per this time. */
const ERROR_LINE_MS = 10_000;

/** What a sink needs of the service. */
export interface SinkPorts {
  readonly clock: Clock;
  readonly pithyPrint: { join(stage: 'hls', print: (ageMs: number) => void): () => void };
  /** The stream's HLS; undefined, and the log says why, when it cannot be. */
  open(options: HlsOptions, log: Logger): HlsStream | undefined;
  /** Ends the publication, soon. */
  dropPublisher(reason: string): void;
}

/** One publication, from its start to its end. */
interface Publication {
  readonly log: Logger;
  readonly stream: HlsStream;
  readonly tracks: TrackChoice;
  readonly timeline: Timeline;
  readonly gate: StartGate;
  readonly leavePrint: () => void;
  /** Timestamps are those of the encoder's clock. */
  isAbsolute: boolean;
}

/** Reads one stream for HLS. */
export class HlsSink implements StreamSink {
  readonly name = 'hls';
  readonly #ports: SinkPorts;
  readonly #reader: TrackReader;
  readonly #errorLines = new RateLimit(1, ERROR_LINE_MS);
  #options: HlsOptions;
  #publication: Publication | undefined;
  #errors = 0;
  #lastMs = 0;

  constructor(options: HlsOptions, ports: SinkPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#reader = new TrackReader({
      onTrack: (track) => {
        this.#onTrack(track);
      },
      onFrame: (frame) => {
        this.#onFrame(frame);
      },
      onIgnored: (reason) => {
        this.#publication?.log.warn(`hls: ${reason}`);
      },
    });
  }

  /** Takes other options, from the next publish on. */
  setOptions(options: HlsOptions): void {
    this.#options = options;
  }

  onPublish(start: StreamStart): void {
    const { log, metadata } = start;
    this.#stop();
    const stream = this.#ports.open(this.#options, log);
    if (stream === undefined) return;
    const tracks = new TrackChoice(this.#options, log);
    const gate = new StartGate(stream.isReady, { audio: undefined, video: undefined });
    for (const kind of ['audio', 'video'] as const) {
      if (tracks.isExcluded(kind)) gate.settle(kind, false);
    }
    const leavePrint = this.#ports.pithyPrint.join('hls', (ageMs) => {
      this.#print(ageMs);
    });
    const timeline = new Timeline(FORWARD_LIMIT_MS);
    const isAbsolute = false;
    this.#publication = { log, stream, tracks, timeline, gate, leavePrint, isAbsolute };
    this.#reader.reset();
    log.trace(describe(this.#options));
    this.onAbsolute(start.isAbsolute);
    if (metadata !== undefined) this.#expect(metadata);
    for (const message of start.headers) this.onMessage(message);
  }

  onMetadata(metadata: AmfObject): void {
    this.#expect(metadata);
  }

  onAbsolute(isAbsolute: boolean): void {
    const publication = this.#publication;
    if (publication === undefined || publication.isAbsolute === isAbsolute) return;
    const { log, stream, gate, timeline } = publication;
    publication.isAbsolute = isAbsolute;
    timeline.isClock = isAbsolute;
    const { keys, fragmentMs } = this.#options;
    if (keys) {
      log.warn('hls segments are not aligned with other servers: each has keys of its own');
      return;
    }
    const how = isAbsolute ? `aligned, slot=${fragmentMs}ms` : 'not aligned any more';
    log.trace(`hls segments are ${how}`);
    if (gate.isOpen) stream.packager?.align(isAbsolute);
  }

  onMessage(message: StreamMessage): void {
    const publication = this.#publication;
    if (publication === undefined) return;
    publication.stream.touch();
    try {
      this.#reader.read(message);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#fail(publication, message, error);
    }
  }

  onUnpublish(): void {
    this.#stop();
  }

  #stop(): void {
    const publication = this.#publication;
    if (publication === undefined) return;
    this.#publication = undefined;
    const { gate, stream, log } = publication;
    publication.leavePrint();
    const rest = gate.finish();
    const addLast = (): void => {
      this.#addLast(publication, rest);
    };
    if (stream.unpublish(rest.length === 0 ? undefined : addLast)) return;
    log.warn(`hls lost a short publication, frames=${rest.length}: the disk is too slow`);
  }

  /** The frames of a publication that was over before it could begin. */
  #addLast(publication: Publication, frames: readonly MediaFrame[]): void {
    try {
      this.#begin(publication, frames);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      publication.log.warn(`hls cannot add the last frames. ${describeError(error)}`);
    }
  }

  #onTrack(track: MediaTrack): void {
    const { tracks, gate } = this.#publication ?? {};
    if (tracks === undefined) return;
    gate?.settle(track.kind, tracks.offer(track));
  }

  #onFrame(frame: MediaFrame): void {
    const publication = this.#publication;
    if (publication === undefined) return;
    const { timeline, gate, stream, tracks } = publication;
    if (tracks.isExcluded(frame.kind)) return;
    const place = timeline.place(frame.kind, frame.timestamp);
    if (place === undefined) return;
    if (place.isJump) this.#jump(publication, place.ms);
    const placed = placeFrame(frame, place.ms);
    this.#lastMs = place.ms;
    gate.isReady = stream.isReady;
    const wasOpen = gate.isOpen;
    const passed = gate.offer(placed);
    if (gate.isOpen && !wasOpen) this.#begin(publication, passed);
    else for (const next of passed) this.#pass(publication, next);
  }

  #begin(publication: Publication, frames: readonly MediaFrame[]): void {
    const { stream, tracks, gate, isAbsolute } = publication;
    tracks.begin(frames);
    stream.packager?.align(isAbsolute && !this.#options.keys);
    if (gate.firstMs !== undefined) stream.packager?.see(gate.firstMs);
    stream.setTracks(tracks.video, tracks.audio);
    for (const frame of frames) this.#pass(publication, frame);
  }

  #pass({ stream, tracks }: Publication, frame: MediaFrame): void {
    const { isUsed, isChange } = tracks.judge(frame);
    if (isChange) stream.setTracks(tracks.video, tracks.audio);
    if (isUsed) stream.packager?.add(frame);
  }

  #jump({ log, gate, stream }: Publication, ms: number): void {
    log.warn(`hls timestamps jump from ${this.#lastMs} to ${ms}, discontinuity`);
    gate.restart();
    if (gate.isOpen) stream.packager?.breakTimeline();
  }

  #expect(metadata: AmfObject): void {
    const gate = this.#publication?.gate;
    gate?.expect('video', hasAny(metadata, ['videocodecid', 'videodatarate', 'width']));
    gate?.expect('audio', hasAny(metadata, ['audiocodecid', 'audiodatarate', 'audiosamplerate']));
  }

  #fail(publication: Publication, { type }: StreamMessage, error: SrsError): void {
    const kind = type === 9 ? 'video' : 'audio';
    const { log } = publication;
    const what = `hls process ${kind} message failed`;
    if (this.#options.onError === 'ignore') {
      log.warn(`${what}, ignore and disable hls. ${describeError(error)}`);
      this.#stop();
      return;
    }
    if (this.#options.onError === 'disconnect') {
      log.warn(`${what}, disconnect the publisher. ${describeError(error)}`);
      this.#stop();
      this.#ports.dropPublisher(`hls: ${error.message}`);
      return;
    }
    this.#errors++;
    if (!this.#errorLines.take(this.#ports.clock.nowMs())) return;
    log.warn(`${what}, skip it, packets=${this.#errors}. ${describeError(error)}`);
  }

  #print(ageMs: number): void {
    const { log, stream } = this.#publication ?? {};
    log?.trace(
      `-> HLS time=${ageMs}, stream dts=${this.#lastMs * 90}(${this.#lastMs}ms), ` +
        `sequence_no=${stream?.sequence ?? 0}`,
    );
  }
}

/** The frame at another decoding time; when it is shown does not change, unless that would be before. */
function placeFrame(frame: MediaFrame, ms: number): MediaFrame {
  if (frame.timestamp === ms) return frame;
  const shiftMs = (ms - frame.timestamp) | 0;
  const isSmoothed = shiftMs !== 0 && frame.kind === 'video';
  const compositionMs = isSmoothed
    ? Math.max(Math.min(0, frame.compositionMs), frame.compositionMs - shiftMs)
    : frame.compositionMs;
  return { ...frame, timestamp: ms, compositionMs };
}

function hasAny(metadata: AmfObject, keys: readonly string[]): boolean {
  return keys.some((key) => {
    const value = metadata.get(key);
    return value !== undefined && value !== 0 && value !== '';
  });
}

/** The line that a publication begins with. */
function describe(options: HlsOptions): string {
  const { windowMs, fragmentMs, entryPrefix, path, m3u8File, tsFile, aofRatio } = options;
  const flag = (isOn: boolean): number => (isOn ? 1 : 0);
  return (
    `hls: win=${decimals(windowMs / 1000)}, frag=${decimals(fragmentMs / 1000)}, ` +
    `prefix=${entryPrefix}, path=${path}, m3u8=${m3u8File}, ts=${tsFile}, ` +
    `aof=${decimals(aofRatio)}, floor=${flag(options.tsFloor)}, clean=${flag(options.cleanup)}, ` +
    `waitk=${flag(options.waitKeyframe)}, dispose=${decimals(options.disposeMs / 1000)}, ` +
    `storage=${options.storage}, format=${options.format}, ll=${flag(options.lowLatency)}`
  );
}

function decimals(value: number): string {
  return value.toFixed(2);
}
