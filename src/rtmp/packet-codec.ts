/** Owns the choice of the packet that a command message is, by its name. */
import { MessageType } from './message';
import { isBandwidthName, isFillerName, parseBandwidth } from './packets/bandwidth';
import type { BandwidthPacket } from './packets/bandwidth';
import { decodeCommand } from './packets/command';
import type { CallPacket, ResponsePacket } from './packets/command';
import { parseConnect } from './packets/connect';
import type { ConnectPacket } from './packets/connect';
import { parsePause, parsePlay } from './packets/play';
import type { PausePacket, PlayPacket } from './packets/play';
import { parsePublish } from './packets/publish';
import type { PublishPacket } from './packets/publish';
import { parseStatus } from './packets/status';
import type { StatusPacket } from './packets/status';
import { parseDeleteStream, parseFmle } from './packets/stream';
import type {
  CloseStreamPacket,
  CreateStreamPacket,
  DeleteStreamPacket,
  FmlePacket,
} from './packets/stream';

/** Any command, told apart by `kind`. */
export type Packet =
  | BandwidthPacket
  | CallPacket
  | CloseStreamPacket
  | ConnectPacket
  | CreateStreamPacket
  | DeleteStreamPacket
  | FmlePacket
  | PausePacket
  | PlayPacket
  | PublishPacket
  | ResponsePacket
  | StatusPacket;

/**
 * Reads a command message of type 17 or 20.
 *
 * @throws SrsError RTMP_AMF0_DECODE or RTMP_AMF0_INVALID when it is damaged
 */
// eslint-disable-next-line complexity -- the one switch over command names
export function decodePacket(
  type: number,
  payload: Uint8Array,
  start: number,
  end: number,
): Packet {
  // The AMF3 envelope has one byte in front; what follows is AMF0 with every known client.
  const from = type === MessageType.commandAmf3 ? start + 1 : start;
  const command = decodeCommand(payload, from, end, isFillerName);
  const { name, transactionId } = command;
  switch (name) {
    case 'connect':
      return parseConnect(command);
    case 'createStream':
      return { kind: 'createStream', transactionId };
    case 'releaseStream':
    case 'FCPublish':
    case 'FCUnpublish':
      return parseFmle(name, command);
    case 'publish':
      return parsePublish(command);
    case 'play':
      return parsePlay(command);
    case 'pause':
      return parsePause(command);
    case 'closeStream':
      return { kind: 'closeStream', transactionId };
    case 'deleteStream':
      return parseDeleteStream(command);
    case '_result':
    case '_error':
      return { kind: 'response', isError: name === '_error', command };
    case 'onStatus':
    case 'onFCPublish':
    case 'onFCUnpublish':
    case 'onFCSubscribe':
      return parseStatus(command);
    default:
      return isBandwidthName(name) ? parseBandwidth(name, command) : { kind: 'call', command };
  }
}
