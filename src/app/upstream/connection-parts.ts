/** Owns the interfaces between a connection to a server upstream and those who make it. */
import type { Clock } from '../../core/clock';
import type { Logger } from '../../core/logger';
import type { Engine } from '../../net/engine';
import type { AmfObject } from '../../rtmp/amf0-value';
import type { MessageHeader } from '../../rtmp/message';
import type { ConnectInfo } from '../../rtmp/packets/connect';
import type { StatusPacket } from '../../rtmp/packets/status';

import type { Resolver } from './resolver';
import type { UpstreamUrl } from './target';
import type { Turns } from './turns';
import type { UpstreamError } from './upstream-error';

/** What connections upstream are made with. */
export interface UpstreamParts {
  readonly engine: Pick<Engine, 'connect'>;
  readonly resolver: Pick<Resolver, 'addresses' | 'services'>;
  readonly clock: Clock;
  /** Without it all connections begin at once. */
  readonly turns?: Turns | undefined;
  /** Our address, as servers upstream are told. */
  serverIp(): string;
}

/** Where to connect, and as whom. */
export interface UpstreamRequest {
  readonly url: UpstreamUrl;
  /** Whether the certificate of an rtmps server is checked. */
  readonly verify: boolean;
  /** Payload bytes per chunk that we send once there is a stream. */
  readonly chunkSize?: number | undefined;
  readonly pageUrl?: string | undefined;
  readonly swfUrl?: string | undefined;
  /** Arguments of the connect (tokens). */
  readonly args?: AmfObject | undefined;
  /** Whether the arguments tell the server who we are, too. */
  readonly identify: boolean;
  /** Lines of the connection; its context id is the one that the server is told. */
  readonly log: Logger;
  /** From the start, the wait for its turn left out, to the granted stream, ms; 30 s unless given. */
  readonly timeoutMs?: number | undefined;
  /** A server that is reached, but says nothing at all for so long, is given up, ms; as {@link timeoutMs} unless given. */
  readonly firstByteMs?: number | undefined;
}

/** Who is told what becomes of a connection; nothing is told after `close`. */
export interface UpstreamHandler {
  /**
   * The server granted the connect: call publish or play, now or later; or close, when that was all one wanted to know.
   * Once more after each redirect.
   */
  onConnected(info: ConnectInfo): void;
  onPublishing?(): void;
  onPlaying?(): void;
  /** Any status of the stream but a refusal, which ends it. */
  onStatus?(status: StatusPacket): void;
  /** Audio or video, lent for the call; aggregates come split. */
  onMedia?(header: MessageHeader, payload: Uint8Array, start: number, end: number): void;
  /** `onMetaData`. */
  onMetadata?(header: MessageHeader, metadata: AmfObject): void;
  /** Any other data message, from its name on; lent for the call. */
  onDataMessage?(header: MessageHeader, payload: Uint8Array, start: number, end: number): void;
  /** What was written is sent: a pulled player can take more. */
  onDrain?(): void;
  /** The server has answered a ping. */
  onPong?(): void;
  /** Beside its statuses: the stream that is played begins (true), or there is no more of it for now. */
  onStreamControl?(isBegin: boolean): void;
  /** It is over: exactly once, and not after a close. */
  onEnd(error: UpstreamError): void;
}
