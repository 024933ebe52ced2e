/** Owns the interface by which features read a stream inside this process: HLS, DVR, forward. */
import type { Logger } from '../../core/logger';
import type { AmfObject } from '../../rtmp/amf0-value';

/** The names that make the key `vhost/app/stream` of a stream. */
export interface StreamName {
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
}

/** One message of a stream. The payload is owned by no one and must not be changed; it may be kept. */
export interface StreamMessage {
  /** 8 audio, 9 video, 18 data (`onMetaData` only). */
  readonly type: number;
  /** As published, in milliseconds: sinks correct jitter by their own rules. */
  readonly timestamp: number;
  /** TagFlags of the body. */
  readonly flags: number;
  readonly payload: Buffer;
}

/** What a starting sink is told of its stream. */
export interface StreamStart {
  readonly name: StreamName;
  /** The log under the publisher's context id. */
  readonly log: Logger;
  /** The newest `onMetaData` with our fields set, if one came yet. */
  readonly metadata: AmfObject | undefined;
  /** Metadata and sequence headers that came before this sink, in the order a reader needs them. */
  readonly headers: readonly StreamMessage[];
  /** Timestamps are those of the encoder's clock, the same on every server it sends to (`atc`). */
  readonly isAbsolute: boolean;
}

/**
 * A reader of one stream. It gets a publish, then its messages, then an unpublish, and again with the next publisher.
 * When one of the calls throws, the sink is told `onUnpublish` and left alone until the next publish.
 */
export interface StreamSink {
  /** Names the sink in log lines, e.g. `hls`. */
  readonly name: string;
  onPublish(start: StreamStart): void;
  onMetadata(metadata: AmfObject, message: StreamMessage): void;
  /** What `isAbsolute` of the start is from now on, maybe as before; comes before the metadata that says so. */
  onAbsolute?(isAbsolute: boolean): void;
  onMessage(message: StreamMessage): void;
  onUnpublish(): void;
}
