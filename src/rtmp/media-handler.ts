/** Owns how media and data messages of a stream reach the owner of a session, of either role. */
import { SrsError } from '../core/errors';

import { splitAggregate } from './aggregate';
import type { AmfObject } from './amf0-value';
import { MessageType } from './message';
import type { MessageHeader, MessageSink } from './message';
import { decodeData } from './packets/data';
import type { DataPacket } from './packets/data';

/** Takes the messages of a stream. Headers and bytes are lent for the call only. */
export interface MediaHandler {
  /** Audio or video; aggregates come split. */
  onMedia(header: MessageHeader, payload: Uint8Array, start: number, end: number): void;
  /** Metadata, decoded. */
  onMetadata(header: MessageHeader, name: string, value: AmfObject): void;
  /** Any other data message: AMF0 values from the name on, whatever the type in the header. */
  onDataMessage(header: MessageHeader, payload: Uint8Array, start: number, end: number): void;
  /** A message that cannot be decoded was passed over. */
  onIgnored?(error: SrsError): void;
}

/** A session as deliverMedia needs it. */
export interface MediaSource extends MessageSink {
  readonly handler: MediaHandler;
}

/**
 * Hands a message of type 8, 9, 15, 18 or 22 to the source's handler. The parts of an aggregate go through the
 * source's own onMessage one by one.
 *
 * @throws SrsError RTMP_AGGREGATE when an aggregate is damaged
 */
export function deliverMedia(
  source: MediaSource,
  header: MessageHeader,
  payload: Uint8Array,
  start: number,
  end: number,
): void {
  switch (header.type) {
    case MessageType.audio:
    case MessageType.video:
      source.handler.onMedia(header, payload, start, end);
      break;
    case MessageType.aggregate:
      splitAggregate(header, payload, start, end, source);
      break;
    default:
      deliverData(source.handler, header, payload, start, end);
  }
}

function deliverData(
  handler: MediaHandler,
  header: MessageHeader,
  payload: Uint8Array,
  start: number,
  end: number,
): void {
  let data: DataPacket;
  try {
    data = decodeData(header.type, payload, start, end);
  } catch (error) {
    if (!(error instanceof SrsError)) throw error;
    handler.onIgnored?.(error);
    return;
  }
  if (data.metadata === undefined) handler.onDataMessage(header, payload, data.start, end);
  else handler.onMetadata(header, data.name, data.metadata);
}
