/** Owns one FLV recording: header, metadata with an index, tags; as playable as possible at any moment. */
import { SrsError } from '../../core/errors';
import { RandomAccessFile } from '../../files/random-access-file';
import { TagFlags } from '../../media/codec';
import { FlvTagType } from '../../media/flv';
import { FlvIndex } from '../../media/flv-index';
import { FlvWriter } from '../../media/flv-writer';
import type { AmfObject } from '../../rtmp/amf0-value';
import type { StreamMessage } from '../stream/sink';

import { encodeFlvMetadata, flvMetadataRoom, flvPatches } from './flv-metadata';
import type { FlvFacts } from './flv-metadata';
import { resumeFlv } from './flv-repair';
import type { FlvResume } from './flv-repair';
import { HeldItems } from './held-items';
import type { ClosedRecording, Recording, RecordingParts } from './recording';
import { MAX_PENDING_BYTES, openError, openNewTarget, RecordingFile } from './recording-file';
import type { Mark, Target } from './recording-file';

/** Duration, size and index in the file are brought up to date after so much media. */
const refreshMs = 60_000;
/** From the last tag of an existing file to the first one added: pictures may be shown later than decoded. */
const resumeGapMs = 200;
/** Timestamps of tags are signed 32-bit numbers, E.4.1. */
const timestampLimit = 2 ** 31;
const notFrames = TagFlags.sequenceHeader | TagFlags.metadata | TagFlags.endOfSequence;

interface Timed {
  readonly message: StreamMessage;
  readonly timeMs: number;
}

/** See {@link Recording}; an FLV file holds whatever the stream becomes. */
export class FlvRecording implements Recording {
  readonly isStale = false;
  readonly key: string;
  readonly #parts: RecordingParts;
  readonly #held = new HeldItems<Timed>(MAX_PENDING_BYTES);
  readonly #opening: Promise<void>;
  readonly #writer: FlvWriter;
  #file: RecordingFile | undefined;
  #hasFailed = false;
  #isClosing = false;
  #metadata: AmfObject | undefined;
  #room: number | undefined;
  #index: FlvIndex;
  #hasAudio = false;
  #hasVideo = false;
  /** Added to the times given. */
  #offsetMs = 0;
  #firstMs = -1;
  #lastMs = 0;
  #refreshedMs = 0;

  constructor(parts: RecordingParts) {
    this.key = parts.key;
    this.#parts = parts;
    this.#metadata = parts.metadata;
    this.#index = new FlvIndex(parts.indexCapacity);
    this.#writer = new FlvWriter((bytes) => this.#file?.write(bytes));
    this.#opening = this.#open();
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  get isOnDisk(): boolean {
    return this.#file?.isOnDisk === true;
  }

  write(message: StreamMessage, timeMs: number): void {
    if (this.#hasFailed) return;
    if (this.#file !== undefined) {
      this.#put(message, timeMs + this.#offsetMs);
      return;
    }
    try {
      this.#held.push({ message, timeMs }, message.payload.length);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#fail(error);
    }
  }

  setMetadata(metadata: AmfObject): void {
    this.#metadata = metadata;
  }

  async close(): Promise<ClosedRecording | undefined> {
    this.#isClosing = true;
    await this.#opening;
    return this.#file?.close((mark) => flvPatches(this.#facts(mark), this.#room));
  }

  async #open(): Promise<void> {
    try {
      if (this.#parts.isAppend) await this.#openExisting();
      else this.#begin(await this.#newTarget());
    } catch (error) {
      this.#fail(openError(this.#parts.path, error));
    }
  }

  #newTarget(): Promise<Target> {
    return openNewTarget(this.#parts.path, this, this.#parts.active);
  }

  async #openExisting(): Promise<void> {
    const { path, active } = this.#parts;
    const release = await active.claim(path, this);
    try {
      const file = await RandomAccessFile.open(path);
      const isNew = file.size === 0;
      const resume = await resumeFlv(file).finally(() => file.close());
      if (isNew || resume) {
        this.#begin({ path, finalPath: path, isNew, release }, resume);
        return;
      }
    } catch (error) {
      release();
      throw error;
    }
    release();
    this.#parts.log.warn(`dvr ${path} is no whole FLV file, a new one is made beside it`);
    this.#begin(await this.#newTarget());
  }

  #begin(target: Target, resume?: FlvResume): void {
    const { log, key, headers, onError } = this.#parts;
    const firstMs = this.#held.first?.timeMs ?? 0;
    this.#file = new RecordingFile(target, resume?.end ?? 0, onError);
    log.trace(`dvr stream ${key} to file ${target.finalPath}`);
    if (resume) this.#resume(resume);
    else this.#writeHead();
    for (const header of headers) this.#putTag(header, firstMs + this.#offsetMs);
    for (const { message, timeMs } of this.#held.take())
      this.#put(message, timeMs + this.#offsetMs);
  }

  #resume(resume: FlvResume): void {
    this.#index = resume.index;
    this.#metadata ??= resume.metadata;
    this.#room = resume.room;
    this.#hasAudio = resume.hasAudio;
    this.#hasVideo = resume.hasVideo;
    this.#firstMs = resume.firstMs;
    this.#lastMs = resume.lastMs;
    this.#refreshedMs = resume.lastMs;
    if (this.#parts.isRebased) this.#offsetMs = resume.lastMs + resumeGapMs;
    this.#file?.mark(resume.lastMs - resume.firstMs);
  }

  #writeHead(): void {
    const kinds = this.#parts.headers.map(({ type }) => type);
    this.#writer.writeHeader(
      kinds.length === 0 || kinds.includes(FlvTagType.audio),
      kinds.length === 0 || kinds.includes(FlvTagType.video),
    );
    this.#room = flvMetadataRoom(this.#metadata, this.#parts.indexCapacity);
    const payload = encodeFlvMetadata(this.#facts({ end: 0, durationMs: 0 }), this.#room);
    if (payload) this.#writer.writeTag({ type: FlvTagType.script, timestamp: 0, payload });
  }

  #put(message: StreamMessage, timeMs: number): void {
    const { type, flags } = message;
    const isFrame = type !== FlvTagType.script && (flags & notFrames) === 0;
    if (isFrame) this.#takeFrame(message, timeMs);
    this.#putTag(message, timeMs);
    if (this.#firstMs < 0) return;
    this.#file?.mark(this.#lastMs - this.#firstMs);
    if (Math.abs(timeMs - this.#refreshedMs) >= refreshMs) this.#refresh(timeMs);
  }

  #takeFrame({ type, flags }: StreamMessage, timeMs: number): void {
    const position = this.#file?.size ?? 0;
    if (this.#firstMs < 0) this.#firstMs = this.#refreshedMs = timeMs;
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    if (type === FlvTagType.audio) this.#index.addAudio(timeMs, position);
    else if ((flags & TagFlags.keyFrame) !== 0) this.#index.addVideo(timeMs, position);
  }

  #putTag({ type, payload }: StreamMessage, timeMs: number): void {
    if (type === FlvTagType.audio) this.#hasAudio = true;
    if (type === FlvTagType.video) this.#hasVideo = true;
    this.#writer.writeTag({ type, timestamp: timeMs % timestampLimit, payload });
  }

  /** Should the server crash, the file states nearly how long it is. */
  #refresh(timeMs: number): void {
    this.#refreshedMs = timeMs;
    const end = this.#file?.size ?? 0;
    const facts = this.#facts({ end, durationMs: this.#lastMs - this.#firstMs });
    for (const patch of flvPatches(facts, this.#room)) this.#file?.patch(patch);
  }

  #facts({ end, durationMs }: Mark): FlvFacts {
    return {
      metadata: this.#metadata,
      durationMs,
      bytes: end,
      index: this.#index.cutAt(end),
      hasAudio: this.#hasAudio,
      hasVideo: this.#hasVideo,
    };
  }

  #fail(error: SrsError): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#held.take();
    const { onError } = this.#parts;
    queueMicrotask(() => {
      onError(error);
    });
  }
}
