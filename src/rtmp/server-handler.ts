/** Owns what a server session tells its owner, and the limits the owner may set. */
import type { SrsError } from '../core/errors';

import { defaultChunkReaderLimits } from './chunk-reader';
import type { ChunkReaderLimits } from './chunk-reader';
import type { MediaHandler } from './media-handler';
import type { BandwidthPacket } from './packets/bandwidth';
import type { RtmpRequest } from './request';
import type { PublishStyle } from './server-replies';

/** What the owner of a session is told; media, metadata and data are those of a publisher. */
export interface ServerSessionHandler extends MediaHandler {
  /** Answer with acceptConnect or rejectConnect, in the call or later followed by resume. */
  onConnect(request: RtmpRequest): void;
  /** Answer with acceptPublish or rejectPublish, as above. */
  onPublish(request: RtmpRequest, style: PublishStyle): void;
  /** Answer with acceptPlay or rejectPlay, as above. */
  onPlay(request: RtmpRequest): void;
  /** The player paused or continued; it has been answered. */
  onPause(paused: boolean): void;
  /** The publisher stopped; the connection stays and may publish or play again. */
  onUnpublish(): void;
  /** The player stopped; the connection stays and may publish or play again. */
  onPlayClosed(): void;
  /** The connect was refused by the session itself: the client has been told, and the transport ended. */
  onRefused?(error: SrsError): void;
  /** A step of the bandwidth check, after acceptTest. */
  onBandwidth?(packet: BandwidthPacket): void;
}

/** Limits of a session. */
export interface ServerSessionOptions extends ChunkReaderLimits {
  /** Bytes kept unparsed while the owner decides. */
  readonly maxSuspendedBytes: number;
}

/** Bytes of messages that a client may have under way before it was allowed to publish: commands are short. */
const MAX_COMMAND_BYTES = 64 * 1024;

/** The limits of a client that does not publish, given those of one that does. */
export function commandLimits(limits: ChunkReaderLimits): ChunkReaderLimits {
  return {
    ...limits,
    maxMessageSize: Math.min(limits.maxMessageSize, MAX_COMMAND_BYTES),
    maxPendingBytes: Math.min(limits.maxPendingBytes, MAX_COMMAND_BYTES),
  };
}

/**
 * Longest message of a bandwidth check. Each message of it may be longer than the one before: at 10 Gbit/s one comes
 * to 900 KB within three seconds.
 */
const MAX_TEST_BYTES = 1024 * 1024;

/** The limits of a client whose bandwidth is checked, given those of one that publishes. */
export function testLimits(limits: ChunkReaderLimits): ChunkReaderLimits {
  return {
    ...limits,
    maxMessageSize: Math.min(limits.maxMessageSize, MAX_TEST_BYTES),
    maxPendingBytes: Math.min(limits.maxPendingBytes, MAX_TEST_BYTES),
  };
}

/** The limits unless others are given. */
export const defaultServerSessionOptions: ServerSessionOptions = {
  ...defaultChunkReaderLimits,
  maxSuspendedBytes: 256 * 1024,
};
