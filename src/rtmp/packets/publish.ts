/** Owns the publish command (RTMP 1.0, section 7.2.2.6). */
import type { OutgoingMessage } from '../message';

import { encodeCommand, stringArgument, streamRoute } from './command';
import type { Command } from './command';

/** `publish`: the sender is going to send the named stream. */
export interface PublishPacket {
  readonly kind: 'publish';
  readonly stream: string;
  /** `live`, `record` or `append`; all are live to us. */
  readonly type: string;
}

/** Reads publish. */
export function parsePublish(command: Command): PublishPacket {
  const type = stringArgument(command, 1);
  return {
    kind: 'publish',
    stream: stringArgument(command, 0),
    type: type === '' ? 'live' : type,
  };
}

/** `publish` of a live stream, for the client role. */
export function encodePublish(streamId: number, stream: string): OutgoingMessage {
  return encodeCommand(streamRoute(streamId), 'publish', 0, null, stream, 'live');
}
