/** Owns one live stream: who publishes it, the corrections of its messages, and its fan-out. */
import { classifyAudio, classifyVideo, TagFlags } from '../../media/codec';
import type {
  BroadcastLog,
  BroadcastLogOptions,
  LogFormat,
  LogPlayer,
  PlayerStats,
  PulledPlayer,
} from '../../net/broadcast-log';
import type { AmfObject } from '../../rtmp/amf0-value';
import { encodeAmf0 } from '../../rtmp/amf0-writer';
import { ON_METADATA } from '../../rtmp/packets/data';
import type { RtmpRequest } from '../../rtmp/request';
import type { StreamMedia } from '../stats/stat-types';

import { ChangeLog } from './change-log';
import { Demand } from './demand';
import { describeHeader } from './header-line';
import { Jitter } from './jitter';
import type { JitterMode } from './jitter';
import { MediaDescription } from './media-description';
import { asksForAtc, describeMetadata, enrichMetadata } from './metadata';
import type { Publisher, SourceObserver } from './publisher';
import {
  headerSlot,
  MAX_HEADER_BYTES,
  METADATA_SLOT,
  NO_SLOT,
  SequenceHeaders,
} from './sequence-headers';
import type { StreamMessage, StreamName, StreamSink, StreamStart } from './sink';
import { SinkSet } from './sink-set';
import { StreamMeter } from './stream-meter';

export type { Publisher, SourceObserver } from './publisher';

const VIDEO = 9;
const DATA = 18;
/** The rare messages that change what a late reader has to be told. */
const STATE = TagFlags.sequenceHeader | TagFlags.metadata | TagFlags.endOfSequence;

/** What a source uses of the native broadcast log. */
export type StreamLog = Pick<
  BroadcastLog,
  | 'append'
  | 'attach'
  | 'close'
  | 'detach'
  | 'playerStats'
  | 'reset'
  | 'resume'
  | 'setDurationLimit'
  | 'setFlushMs'
  | 'setOptions'
  | 'setPaused'
>;

/** How one stream is handled; plain values, taken from its vhost. */
export interface SourceOptions {
  /** `absolute` counts only while the timestamps are not made absolute by `atc` or `jitter`. */
  readonly log: BroadcastLogOptions;
  readonly jitter: JitterMode;
  /** Timestamps pass unchanged, and so do players see them. */
  readonly atc: boolean;
  /** The publisher's metadata may switch `atc` on. */
  readonly atcAuto: boolean;
  /** A sequence header equal to the last one of its track is not passed on. */
  readonly reduceSequenceHeader: boolean;
}

/** A stream that lives as long as someone publishes or plays it. Bytes handed in are lent for the call. */
export class Source {
  readonly name: StreamName;
  readonly #log: StreamLog;
  readonly #headers = new SequenceHeaders();
  readonly #jitter: Jitter;
  readonly #sinks = new SinkSet();
  readonly #changes = new ChangeLog();
  readonly #meter = new StreamMeter();
  readonly #description = new MediaDescription();
  readonly #observers = new Set<SourceObserver>();
  readonly #demand = new Demand(this.#observers);
  #options: SourceOptions;
  #publisher: Publisher | undefined;
  #metadata: AmfObject | undefined;
  /** The newest metadata asks for absolute timestamps. */
  #wantsAtc = false;
  #players = 0;
  #wasPublished = false;

  constructor(name: StreamName, options: SourceOptions, createLog: CreateStreamLog) {
    this.name = name;
    this.#options = options;
    this.#jitter = new Jitter(jitterMode(options, options.atc));
    this.#log = createLog(logOptions(options, options.atc));
  }

  /** `vhost/app/stream`. */
  get key(): string {
    return streamKey(this.name);
  }

  /** Context id of the publisher, -1 without one. */
  get sourceId(): number {
    return this.#publisher?.contextId ?? -1;
  }

  get publisher(): Publisher | undefined {
    return this.#publisher;
  }

  get players(): number {
    return this.#players;
  }

  /** Whether nobody would miss it. */
  get isIdle(): boolean {
    return this.#publisher === undefined && this.#players === 0 && !this.isWanted;
  }

  /** Whether somebody wants to play it, published or not. */
  get isWanted(): boolean {
    return this.#demand.isWanted;
  }

  /** What the newest of those who want it, or wanted it last, asked for: with its tokens it is fetched from upstream. */
  get wantedBy(): RtmpRequest | undefined {
    return this.#demand.newest;
  }

  /** Whether a publisher that comes back would find its timeline here. */
  get wasPublished(): boolean {
    return this.#wasPublished;
  }

  /** Chunk size of the encoded stream: what a player must have been told before {@link attach}. */
  get chunkSize(): number {
    return this.#options.log.chunkSize;
  }

  /** The newest metadata that is kept, as players get it. */
  get metadata(): AmfObject | undefined {
    return this.#metadata;
  }

  /** Pictures of all its publishers so far. */
  get videoFrames(): number {
    return this.#meter.videoFrames;
  }

  /** What its first video and audio track are, and how they come; nothing while nobody publishes. */
  describe(): StreamMedia {
    const [headers, metadata, meter] = [this.#headers, this.#metadata, this.#meter];
    return {
      video: this.#description.video(headers.first('video'), metadata, meter),
      audio: this.#description.audio(headers.first('audio'), metadata, meter),
    };
  }

  /**
   * Takes changed options; the chunk size stays. When the timestamps are corrected in another way, the cached GOP is
   * forgotten: a new player would see both ways in it.
   */
  setOptions(options: SourceOptions): void {
    const before = this.#jitterMode;
    this.#options = { ...options, log: { ...options.log, chunkSize: this.chunkSize } };
    const after = this.#jitterMode;
    if (before !== after) {
      this.#log.setOptions({ ...logOptions(this.#options, this.#isAtc), gopCache: false });
      const text = `timestamps are corrected by ${after} instead of ${before} from now on`;
      this.#publisher?.log.warn(`${text}, players=${this.#players} may stumble over it`);
    }
    this.#setAtc();
  }

  /** Makes `publisher` the one who publishes; one who did before is told so and its players stay. */
  acquire(publisher: Publisher): void {
    const replaced = this.#publisher;
    if (replaced === publisher) return;
    if (replaced) this.#endPublish(replaced);
    this.#publisher = publisher;
    this.#wasPublished = true;
    this.#sinks.publish(this.#start(publisher));
    for (const observer of this.#observers) observer.onPublish?.();
    replaced?.onReplaced(publisher.contextId);
  }

  /** The publisher leaves; nothing happens when it does not hold the stream any more. */
  release(publisher: Publisher): void {
    if (this.#publisher !== publisher) return;
    this.#endPublish(publisher);
    this.#publisher = undefined;
  }

  /** One audio (8) or video (9) message of the publisher, `payload[start, end)`. */
  media(type: number, timestamp: number, payload: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    const isVideo = type === VIDEO;
    const flags = isVideo ? classifyVideo(payload, start, end) : classifyAudio(payload, start, end);
    if (isVideo) this.#meter.onVideo(flags, timestamp, payload, start, end);
    else this.#meter.onAudio(flags, payload, start, end);
    let slot = NO_SLOT;
    if ((flags & STATE) !== 0) {
      const lent = { type, timestamp, flags, payload: view(payload, start, end) };
      slot = headerSlot(lent);
      if (!this.#isNewHeader(slot, lent)) return;
    }
    const time = this.#jitter.correct(type, timestamp, flags);
    this.#log.append(type, time, flags, slot, payload, start, end);
    if (!this.#sinks.isRunning) return;
    const owned = Buffer.from(view(payload, start, end));
    this.#sinks.message({ type, timestamp, flags, payload: owned });
  }

  /** `onMetaData` of the publisher: passed on with our fields, cached for players to come. */
  setMetadata(timestamp: number, published: AmfObject): void {
    const time = this.#jitter.correctData(timestamp);
    const metadata = enrichMetadata(published);
    const payload = encodeAmf0(ON_METADATA, metadata);
    const message: StreamMessage = { type: DATA, timestamp, flags: 0, payload };
    this.#tell('metadata', describeMetadata(metadata));
    this.#jitter.setHints(
      metadata.number('framerate') ?? 0,
      metadata.number('audiosamplerate') ?? 0,
    );
    this.#wantsAtc = asksForAtc(metadata);
    this.#setAtc();
    const isKept = payload.length <= MAX_HEADER_BYTES;
    if (isKept) {
      this.#metadata = metadata;
      this.#headers.setMetadata(message);
    } else this.#tell('large', `metadata above ${MAX_HEADER_BYTES}B is not kept for new players`);
    const slot = isKept ? METADATA_SLOT : NO_SLOT;
    this.#log.append(DATA, time, 0, slot, payload, 0, payload.length);
    this.#sinks.metadata(metadata, message);
    for (const observer of this.#observers) observer.onMetadata?.(metadata);
  }

  /** Any other data message: relayed, not cached. */
  data(timestamp: number, payload: Uint8Array, start: number, end: number): void {
    const time = this.#jitter.correctData(timestamp);
    this.#log.append(DATA, time, 0, NO_SLOT, payload, start, end);
  }

  /**
   * Somebody wants to play it, whether it is published or not: who can fetch it from elsewhere is told. Returns what
   * ends that, which may be called twice.
   */
  want(request: RtmpRequest): () => void {
    return this.#demand.add(request);
  }

  /**
   * Begins to play, to a socket or to a player of this process; `flushMs` = merged write, 0 = none. An RTMP player must
   * have been told {@link chunkSize}, an FLV player must have got the file header.
   */
  attach(player: LogPlayer, streamId: number, flushMs: number, format: LogFormat = 'rtmp'): void {
    this.#log.attach(player, streamId, flushMs, format);
    this.#players++;
  }

  /** Ends an {@link attach}; once per attach, also when the socket is closed. */
  detach(player: LogPlayer): void {
    this.#players--;
    this.#log.detach(player);
  }

  /** Begins a copy to another server, which counts as no player; it must have been told {@link chunkSize}. */
  attachRelay(channel: LogPlayer, streamId: number, flushMs: number): void {
    this.#log.attach(channel, streamId, flushMs, 'rtmp');
  }

  /** Ends an {@link attachRelay}; once per attach, also when the channel is closed. */
  detachRelay(channel: LogPlayer): void {
    this.#log.detach(channel);
  }

  /** A player that had enough can take more. */
  resume(player: PulledPlayer): void {
    this.#log.resume(player);
  }

  /** Stops or goes on sending to a player; what comes meanwhile waits for it, within the queue length. */
  setPaused(player: LogPlayer, isPaused: boolean): void {
    this.#log.setPaused(player, isPaused);
  }

  /** Changes the merged write of a player. */
  setFlushMs(player: LogPlayer, flushMs: number): void {
    this.#log.setFlushMs(player, flushMs);
  }

  /** Ends sending after so much media; the player is told. */
  limitDuration(player: LogPlayer, durationMs: number): void {
    this.#log.setDurationLimit(player, durationMs);
  }

  /** What a player got, and how far behind it is. */
  playerStats(player: LogPlayer): PlayerStats {
    return this.#log.playerStats(player);
  }

  /** Tells `observer` what happens from now on. Returns what undoes it. */
  observe(observer: SourceObserver): () => void {
    this.#observers.add(observer);
    return () => {
      this.#observers.delete(observer);
    };
  }

  /** Adds a reader of this process; a stream being published is announced at once. */
  addSink(sink: StreamSink): void {
    this.#sinks.add(sink, this.#publisher && this.#start(this.#publisher));
  }

  removeSink(sink: StreamSink): void {
    this.#sinks.remove(sink);
  }

  /** Frees the log; only when idle. */
  close(): void {
    this.#sinks.unpublish();
    this.#log.close();
  }

  #start({ log }: Publisher): StreamStart {
    const state = { metadata: this.#metadata, headers: this.#headers.list() };
    return { name: this.name, log, ...state, isAbsolute: this.#isAtc };
  }

  #endPublish(publisher: Publisher): void {
    this.#sinks.unpublish();
    for (const observer of this.#observers) observer.onUnpublish?.();
    this.#log.reset();
    this.#headers.clear();
    this.#changes.clear();
    this.#meter.reset();
    this.#metadata = undefined;
    this.#wantsAtc = false;
    this.#jitter.setHints(0, 0);
    this.#setAtc();
    publisher.log.trace('cleanup when unpublish');
  }

  /** Remembers a header and logs a change; false for a repeat that is not to be passed on. */
  #isNewHeader(slot: number, lent: StreamMessage): boolean {
    if (slot === NO_SLOT) {
      this.#headers.endTrack(lent);
      return true;
    }
    if (!this.#headers.update(slot, lent)) return !this.#options.reduceSequenceHeader;
    if ((lent.flags & TagFlags.sequenceHeader) !== 0) {
      this.#tell(`header ${slot}`, describeHeader(lent.type, lent.payload));
    }
    return true;
  }

  #tell(subject: string, text: string): void {
    if (this.#publisher) this.#changes.tell(this.#publisher.log, subject, text);
  }

  #setAtc(): void {
    this.#jitter.setMode(this.#jitterMode);
    this.#log.setOptions(logOptions(this.#options, this.#isAtc));
    this.#sinks.setAbsolute(this.#isAtc);
  }

  get #isAtc(): boolean {
    return this.#options.atc || (this.#options.atcAuto && this.#wantsAtc);
  }

  get #jitterMode(): JitterMode {
    return jitterMode(this.#options, this.#isAtc);
  }
}

function view(payload: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset + start, end - start);
}

/** Makes the log of a new source. */
export type CreateStreamLog = (options: BroadcastLogOptions) => StreamLog;

/** The key under which the hub knows a stream. */
export function streamKey(name: StreamName): string {
  return `${name.vhost}/${name.app}/${name.stream}`;
}

function jitterMode(options: SourceOptions, atc: boolean): JitterMode {
  return atc ? 'off' : options.jitter;
}

function logOptions(options: SourceOptions, atc: boolean): BroadcastLogOptions {
  return { ...options.log, absolute: atc || options.jitter === 'off' };
}
