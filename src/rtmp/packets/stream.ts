/** Owns the commands that make, announce and end message streams (RTMP 1.0, sections 7.2.1.3 and 7.2.2.3). */
import type { OutgoingMessage } from '../message';

import { connectionRoute, encodeCommand, numberArgument, stringArgument } from './command';
import type { Command, ResponsePacket } from './command';

/** `createStream`: asks for a message stream id. */
export interface CreateStreamPacket {
  readonly kind: 'createStream';
  readonly transactionId: number;
}

/** Names of the commands by which live encoders announce and withdraw a stream. */
export type FmleName = 'releaseStream' | 'FCPublish' | 'FCUnpublish';

/** `releaseStream`, `FCPublish`, `FCUnpublish`. */
export interface FmlePacket {
  readonly kind: 'fmle';
  readonly name: FmleName;
  readonly transactionId: number;
  readonly stream: string;
}

/** `closeStream`: ends playing or publishing, the stream id stays. */
export interface CloseStreamPacket {
  readonly kind: 'closeStream';
  readonly transactionId: number;
}

/** `deleteStream`: gives a stream id back. */
export interface DeleteStreamPacket {
  readonly kind: 'deleteStream';
  readonly transactionId: number;
  readonly streamId: number;
}

/** Reads releaseStream, FCPublish or FCUnpublish. */
export function parseFmle(name: FmleName, command: Command): FmlePacket {
  const { transactionId } = command;
  return { kind: 'fmle', name, transactionId, stream: stringArgument(command, 0) };
}

/** Reads deleteStream. */
export function parseDeleteStream(command: Command): DeleteStreamPacket {
  const { transactionId } = command;
  return { kind: 'deleteStream', transactionId, streamId: numberArgument(command, 0, 0) };
}

/** The stream id in the reply to createStream; undefined when there is none. */
export function createdStreamId(response: ResponsePacket): number | undefined {
  const id = response.command.args[0];
  return typeof id === 'number' ? id : undefined;
}

/** `createStream` for the client role. */
export function encodeCreateStream(transactionId: number): OutgoingMessage {
  return encodeCommand(connectionRoute, 'createStream', transactionId, null);
}

/** releaseStream, FCPublish or FCUnpublish for the client role. */
export function encodeFmle(name: FmleName, transactionId: number, stream: string): OutgoingMessage {
  return encodeCommand(connectionRoute, name, transactionId, null, stream);
}

/** `deleteStream` for the client role; it asks for no reply. */
export function encodeDeleteStream(streamId: number): OutgoingMessage {
  return encodeCommand(connectionRoute, 'deleteStream', 0, null, streamId);
}
