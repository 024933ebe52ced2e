/** A recording service on a directory of its own, fed by hand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { DvrService } from '../../../../src/app/dvr/dvr-service';
import type { ClosedFile, DvrServiceParts } from '../../../../src/app/dvr/dvr-service';
import { readFlvMetadata } from '../../../../src/app/dvr/flv-metadata';
import type { FlvStatement } from '../../../../src/app/dvr/flv-metadata';
import type { DvrOptions } from '../../../../src/app/dvr/options';
import type { StreamMessage, StreamName, StreamSink } from '../../../../src/app/stream/sink';
import { classifyAudio, classifyVideo } from '../../../../src/media/codec';
import type { FlvTag } from '../../../../src/media/flv';
import { FlvReader } from '../../../../src/media/flv-reader';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import {
  aacFrame,
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
} from '../../../support/media';

export const streamName: StreamName = { vhost: 'example.com', app: 'live', stream: 'cam' };
/** Time of day when a service is made, epoch milliseconds. */
export const startOfDayMs = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Options as the configuration gives them, below a directory. */
export function optionsIn(directory: string, changes: Partial<DvrOptions> = {}): DvrOptions {
  return {
    enabled: true,
    path: `${directory}/[app]/[stream].[timestamp].flv`,
    plan: 'session',
    durationMs: 4000,
    waitKeyframe: true,
    timeJitter: 'full',
    format: 'flv',
    retainAgeMs: 0,
    retainBytes: 0,
    ...changes,
  };
}

/** A message of the stream. */
export function message(type: number, timestamp: number, payload: Buffer): StreamMessage {
  const classify = type === 9 ? classifyVideo : classifyAudio;
  return { type, timestamp, payload, flags: classify(payload, 0, payload.length) };
}

/** What one test works with. */
export class Bench {
  readonly log = new RecordingLogger();
  readonly clock = new ManualClock();
  readonly closed: ClosedFile[] = [];
  readonly service: DvrService;
  timeOfDayMs = startOfDayMs;

  constructor(parts: Partial<DvrServiceParts> = {}) {
    this.service = new DvrService({
      log: this.log,
      clock: this.clock,
      isUtc: () => true,
      settleMs: 0,
      timeOfDayMs: () => this.timeOfDayMs++,
      onFileClosed: (file) => this.closed.push(file),
      ...parts,
    });
  }

  /** A sink that is being published to. */
  publish(options: DvrOptions, name = streamName, metadata?: AmfObject): StreamSink {
    const sink = this.service.sinkFor(name, options);
    this.publishTo(sink, name, metadata);
    return sink;
  }

  publishTo(sink: StreamSink, name = streamName, metadata?: AmfObject): void {
    sink.onPublish({ name, log: this.log, metadata, headers: [], isAbsolute: false });
  }

  /** Resolves when so many files were closed. */
  async untilClosed(count: number): Promise<void> {
    await this.log.until(() => this.log.matching(' closed, ').length >= count);
  }
}

export const sampleMetadata = AmfObject.of({
  width: 640,
  height: 360,
  duration: 99,
  server: 'from elsewhere',
  encoder: 'test',
});

/** What of a stream is sent. */
interface Shape {
  readonly frames: number;
  /** Timestamp of the first frame. */
  readonly fromMs?: number;
  /** Frames from one key frame to the next. */
  readonly gop?: number;
  readonly hasVideo?: boolean;
  readonly hasAudio?: boolean;
  readonly hasHeaders?: boolean;
}

/** Sends headers, then video (25 fps) and audio frames in turn. */
export function send(sink: StreamSink, shape: Shape): void {
  const { frames, fromMs = 0, gop = 25, hasVideo = true, hasAudio = true } = shape;
  if (shape.hasHeaders !== false) {
    if (hasVideo) sink.onMessage(message(9, fromMs, avcSequenceHeader()));
    if (hasAudio) sink.onMessage(message(8, fromMs, aacSequenceHeader()));
  }
  for (let index = 0; index < frames; index++) {
    const timestamp = fromMs + index * 40;
    const video = index % gop === 0 ? avcKeyFrame(`v${index}`) : avcInterFrame(`v${index}`);
    if (hasVideo) sink.onMessage(message(9, timestamp, video));
    if (hasAudio) sink.onMessage(message(8, timestamp, aacFrame(`a${index}`)));
  }
}

/** The tags of an FLV file, which must be whole. */
export function tagsOf(path: string): FlvTag[] {
  const reader = new FlvReader();
  reader.push(readFileSync(path));
  const tags: FlvTag[] = [];
  for (let tag = reader.read(); tag !== undefined; tag = reader.read()) tags.push(tag);
  reader.finish();
  return tags;
}

/** A tag as `kind time text`, e.g. `video 40 v1`; headers and metadata have no text. */
export function describeTags(tags: readonly FlvTag[]): string[] {
  return tags.map(({ type, timestamp, payload }) => {
    const text = /[va]\d+$/.exec(payload.toString('latin1'))?.[0] ?? '-';
    return `${type} ${timestamp} ${text}`;
  });
}

/** What the metadata of an FLV file states, which may be growing. */
export function statementOf(path: string): FlvStatement {
  const content = readFileSync(path);
  const statement = readFlvMetadata(content.subarray(24, 24 + content.readUIntBE(14, 3)));
  if (statement === undefined) throw new Error(`expected metadata at the front of ${path}`);
  return statement;
}

/** Paths of the files below a directory, relative to it. */
export function filesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}
