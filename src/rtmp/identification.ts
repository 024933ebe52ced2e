/** Owns what a client has said about itself between connect and publish or play. */
import { ErrorCode, SrsError } from '../core/errors';

import type { OutgoingMessage } from './message';
import { encodeResult } from './packets/command';
import type { FmlePacket } from './packets/stream';
import { STREAM_ID } from './server-replies';
import type { PublishStyle } from './server-replies';

/** createStream commands one client may send before it publishes or plays. */
const MAX_CREATE_STREAMS = 32;

/**
 * Live encoders announce a stream before they publish it, Haivision's after createStream, Flash clients never. The
 * announcements and createStream are answered in whatever order they come.
 */
export class Identification {
  /** How the client has introduced itself so far. */
  style: PublishStyle = 'flash';
  /** The stream it announced, for a publish command without a name. */
  stream = '';
  private createStreams = 0;

  /**
   * Answers createStream; every stream is the same one.
   *
   * @throws SrsError SYSTEM_CLIENT_INVALID when the client sends nothing else
   */
  createStream(transactionId: number): OutgoingMessage {
    this.createStreams++;
    if (this.createStreams > MAX_CREATE_STREAMS) {
      throw new SrsError(
        ErrorCode.SYSTEM_CLIENT_INVALID,
        `expect publish or play after createStream, got ${this.createStreams} times createStream`,
      );
    }
    return encodeResult(transactionId, STREAM_ID);
  }

  /** Answers releaseStream, FCPublish, and an FCUnpublish of nothing. */
  announce(packet: FmlePacket): OutgoingMessage {
    if (packet.name !== 'FCUnpublish') {
      if (packet.stream !== '') this.stream = packet.stream;
      if (this.style === 'flash') this.style = this.createStreams > 0 ? 'haivision' : 'fmle';
    }
    return encodeResult(packet.transactionId, undefined);
  }
}
