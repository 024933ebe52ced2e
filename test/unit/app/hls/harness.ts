/** An HLS service with a clock moved by hand, streams made of small frames, and requests that keep their answers. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { HlsRequest, HlsResponse } from '../../../../src/app/hls/exchange';
import { HlsService } from '../../../../src/app/hls/hls-service';
import type { SegmentInfo } from '../../../../src/app/hls/hls-stream';
import type { HlsOptions } from '../../../../src/app/hls/options';
import type { StreamName, StreamSink } from '../../../../src/app/stream/sink';
import { classifyAudio, classifyVideo } from '../../../../src/media/codec';
import type { FlvTag } from '../../../../src/media/flv';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import {
  aacFrame,
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
} from '../../../support/media';

/** 2026-01-01T00:00:00Z: the time of day when a test begins. */
export const startEpochMs = Date.UTC(2026, 0, 1);
export const streamName: StreamName = { vhost: 'v.com', app: 'live', stream: 'show' };
const frameMs = 40;

/** Options as a configuration without directives gives them, but with short segments. */
export function hlsOptions(changes: Partial<HlsOptions> = {}): HlsOptions {
  return {
    fragmentMs: 2000,
    windowMs: 10_000,
    path: '/nowhere',
    m3u8File: '[app]/[stream].m3u8',
    tsFile: '[app]/[stream]-[seq].ts',
    tsFloor: false,
    tdRatio: 1.5,
    aofRatio: 2,
    onError: 'continue',
    storage: 'ram',
    mount: '[vhost]/[app]/[stream].m3u8',
    format: 'ts',
    lowLatency: false,
    partMs: 200,
    keys: false,
    fragmentsPerKey: 5,
    keyFile: '[app]/[stream]-[seq].key',
    keyFilePath: '',
    keyUrl: '',
    masterFile: '',
    entryPrefix: '',
    acodec: 'aac',
    vcodec: 'h264',
    cleanup: true,
    disposeMs: 0,
    waitKeyframe: true,
    ...changes,
  };
}

/** A service under test. */
export class Harness {
  readonly log = new RecordingLogger(100);
  readonly segments: SegmentInfo[] = [];
  readonly dropped: string[] = [];
  readonly service: HlsService;
  printed: ((ageMs: number) => void) | undefined;
  nowMs = 0;

  constructor() {
    this.service = new HlsService({
      log: this.log,
      clock: { nowMs: () => this.nowMs },
      pithyPrint: {
        join: (_stage, print) => {
          this.printed = print;
          return () => (this.printed = undefined);
        },
      },
      isUtc: () => true,
      wallMs: () => startEpochMs + this.nowMs,
      onSegment: (info) => this.segments.push(info),
      dropPublisher: (name, reason) => this.dropped.push(`${name.stream}: ${reason}`),
    });
  }

  sink(options: HlsOptions, name = streamName): StreamSink {
    return this.service.sinkFor(name, options);
  }

  publish(sink: StreamSink, name = streamName, isAbsolute = false): void {
    sink.onPublish({ name, log: this.log, metadata: undefined, headers: [], isAbsolute });
  }

  /** Sends tags, moving the clock with them. */
  send(sink: StreamSink, tags: readonly FlvTag[]): void {
    const fromMs = this.nowMs;
    const firstMs = tags[0]?.timestamp ?? 0;
    for (const tag of tags) {
      this.nowMs = fromMs + Math.max(0, tag.timestamp - firstMs);
      sink.onMessage(toMessage(tag));
    }
  }

  /** A whole publication; waits until a stream that is new can take frames. */
  async play(sink: StreamSink, tags: readonly FlvTag[], name = streamName): Promise<void> {
    this.publish(sink, name);
    await settled();
    this.send(sink, tags);
  }

  /** Asks for something; the answer is complete when `isEnded`. */
  get(path: string, query = '', method = 'GET', vhost = 'v.com'): FakeResponse {
    const response = new FakeResponse();
    const request: HlsRequest = {
      method,
      path,
      query: new URLSearchParams(query),
      vhost: { name: vhost },
      response,
    };
    response.isOurs = this.service.handle(request);
    return response;
  }

  /** Lets the time pass and does what is due. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.service.sweep(this.nowMs);
  }
}

/** An answer that is kept. */
export class FakeResponse implements HlsResponse {
  isOurs = false;
  status = 0;
  headers: Record<string, string | number> = {};
  isEnded = false;
  readonly #chunks: Buffer[] = [];
  readonly #closing: (() => void)[] = [];

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.body.toString();
  }

  get lines(): string[] {
    return this.text.split('\n');
  }

  writeHead(status: number, headers: Record<string, string | number>): void {
    this.status = status;
    this.headers = headers;
  }

  write(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  end(): void {
    this.isEnded = true;
  }

  once(_event: 'close', listener: () => void): void {
    this.#closing.push(listener);
  }

  /** The client goes away. */
  close(): void {
    for (const listener of this.#closing) listener();
  }
}

/** Waits for what is under way at once, without letting time pass. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until something holds that the disk decides; gives up before the test does. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpMs = Date.now() + 1800;
  while (!(await holds())) {
    if (Date.now() > giveUpMs) throw new Error(`does not come true: ${holds.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Sequence headers. */
export function headerTags(): FlvTag[] {
  return [
    { type: 9, timestamp: 0, payload: avcSequenceHeader() },
    { type: 8, timestamp: 0, payload: aacSequenceHeader() },
  ];
}

/** Both sequence headers, then video at 25 fps with one audio frame beside each, for so long; GOPs of `gopMs`. */
export function avTags(durationMs: number, gopMs = 1000, startMs = 0): FlvTag[] {
  const tags = headerTags().map((tag) => ({ ...tag, timestamp: startMs }));
  for (let ms = 0; ms < durationMs; ms += frameMs) {
    const video = ms % gopMs === 0 ? avcKeyFrame(`v${ms}`, 100) : avcInterFrame(`v${ms}`, 100);
    tags.push({ type: 9, timestamp: startMs + ms, payload: video });
    tags.push({ type: 8, timestamp: startMs + ms, payload: aacFrame(`a${ms}`, 20) });
  }
  return tags;
}

/** AAC alone. */
export function audioTags(durationMs: number, startMs = 0): FlvTag[] {
  const tags: FlvTag[] = [{ type: 8, timestamp: startMs, payload: aacSequenceHeader() }];
  for (let ms = 0; ms < durationMs; ms += frameMs) {
    tags.push({ type: 8, timestamp: startMs + ms, payload: aacFrame(`a${ms}`, 20) });
  }
  return tags;
}

/** A directory for one test, which `mocha`'s `afterEach` removes. */
export class TemporaryDirectory {
  path = '';

  async create(): Promise<void> {
    this.path = await mkdtemp(join(tmpdir(), 'hls-'));
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  /** Names below, sorted; none without the directory. */
  async list(directory = 'live'): Promise<string[]> {
    return (await readdir(join(this.path, directory)).catch(() => [])).sort();
  }
}

/** Descriptors that this process has open. */
export async function openFiles(): Promise<number> {
  return (await readdir('/proc/self/fd')).length;
}

function toMessage(tag: FlvTag): FlvTag & { flags: number } {
  const { type, payload } = tag;
  const classify = type === 9 ? classifyVideo : classifyAudio;
  return { ...tag, flags: classify(payload, 0, payload.length) };
}
