/** Owns the interfaces between a stream and those who publish it, or are told what becomes of it. */
import type { SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { AmfObject } from '../../rtmp/amf0-value';
import type { RtmpRequest } from '../../rtmp/request';

/** What a source knows of the one who publishes it. */
export interface Publisher {
  /** The id players' logs show as `source_id`. */
  readonly contextId: number;
  readonly log: Logger;
  /** When it sent something last, in milliseconds of the monotonic clock. */
  readonly lastReceivedMs: number;
  /** It is this server itself, which fetches the stream from another: every client that publishes takes its place. */
  readonly isUpstream?: boolean;
  /** Another one, `byId`, publishes the stream from now on; to release the stream then is harmless. */
  onReplaced(byId: number): void;
  /** The stream cannot go on, or an operator ends it: tells the publisher why, and closes. */
  drop(error: SrsError): void;
}

/** Who is told what becomes of a stream, none of it per message. */
export interface SourceObserver {
  /** Somebody begins, and ends, to publish it; a takeover is both. */
  onPublish?(): void;
  onUnpublish?(): void;
  /** New `onMetaData` of its publisher, with our fields set. */
  onMetadata?(metadata: AmfObject): void;
  /** One more wants to play it: the first of them, or another. */
  onWanted?(request: RtmpRequest): void;
  /** The last of those has left. */
  onUnwanted?(): void;
}
