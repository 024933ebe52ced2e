/** Owns what all commands share: the shape (RTMP 1.0, section 7.1.1), their routes, generic calls and replies. */
import { Amf0Reader } from '../amf0-reader';
import { AMF_MAX_COMMAND_VALUES, AmfObject } from '../amf0-value';
import type { AmfValue } from '../amf0-value';
import { encodeAmf0 } from '../amf0-writer';
import { ChunkStreamId } from '../chunk';
import { MessageType } from '../message';
import type { OutgoingMessage } from '../message';

/** A command as it stands on the wire. */
export interface Command {
  readonly name: string;
  /** 0 when the sender wants no reply. */
  readonly transactionId: number;
  /** The command object; null for most commands. */
  readonly object: AmfValue;
  readonly args: readonly AmfValue[];
}

/**
 * Reads a command from AMF0 bytes. What may be missing is replaced by a default, and arguments that cannot be read
 * (AMF3 values, for instance) end the list.
 *
 * @param isFiller whether a command of that name is sent for its size only: its arguments are not read
 * @throws SrsError RTMP_AMF0_DECODE or RTMP_AMF0_INVALID when the name is no string or the head is damaged
 */
export function decodeCommand(
  payload: Uint8Array,
  start: number,
  end: number,
  isFiller: (name: string) => boolean = () => false,
): Command {
  const reader = new Amf0Reader(payload, start, end, AMF_MAX_COMMAND_VALUES);
  const name = reader.readString();
  const transactionId = reader.remaining > 0 ? reader.readValue() : 0;
  const object = reader.remaining > 0 ? reader.readValue() : null;
  return {
    name,
    transactionId: typeof transactionId === 'number' ? transactionId : 0,
    object,
    args: isFiller(name) ? [] : readArguments(reader),
  };
}

/** Any command without a packet of its own. */
export interface CallPacket {
  readonly kind: 'call';
  readonly command: Command;
}

/** `_result` or `_error`: the reply to the command with the same transaction id. */
export interface ResponsePacket {
  readonly kind: 'response';
  readonly isError: boolean;
  readonly command: Command;
}

/** Where a command travels. */
export interface Route {
  readonly chunkStreamId: number;
  readonly streamId: number;
}

/** Route of commands about the connection. */
export const connectionRoute: Route = { chunkStreamId: ChunkStreamId.connection, streamId: 0 };

/** Route of commands about one message stream. */
export function streamRoute(streamId: number): Route {
  return { chunkStreamId: ChunkStreamId.stream, streamId };
}

/** Builds a command message; values are the command object and the arguments. */
export function encodeCommand(
  route: Route,
  name: string,
  transactionId: number,
  ...values: AmfValue[]
): OutgoingMessage {
  return {
    type: MessageType.commandAmf0,
    timestamp: 0,
    streamId: route.streamId,
    chunkStreamId: route.chunkStreamId,
    payload: encodeAmf0(name, transactionId, ...values),
  };
}

/**
 * `_result` with a null command object: the reply to createStream (a number), to an encoder's announcement (undefined)
 * and to generic calls (null).
 */
export function encodeResult(
  transactionId: number,
  value: AmfValue,
  route = connectionRoute,
): OutgoingMessage {
  return encodeCommand(route, '_result', transactionId, null, value);
}

/** The argument at `index` when it is a string, else the default. */
export function stringArgument(command: Command, index: number, otherwise = ''): string {
  const value = command.args[index];
  return typeof value === 'string' ? value : otherwise;
}

/** The argument at `index` when it is a number, else the default. */
export function numberArgument(command: Command, index: number, otherwise: number): number {
  const value = command.args[index];
  return typeof value === 'number' ? value : otherwise;
}

/** The argument at `index` when it is an object of any kind. */
export function objectArgument(command: Command, index: number): AmfObject | undefined {
  const value = command.args[index];
  return value instanceof AmfObject ? value : undefined;
}

function readArguments(reader: Amf0Reader): AmfValue[] {
  const args: AmfValue[] = [];
  while (reader.remaining > 0) {
    try {
      args.push(reader.readValue());
    } catch {
      break;
    }
  }
  return args;
}
