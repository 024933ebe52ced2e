/** Owns the play and pause commands (RTMP 1.0, sections 7.2.2.1 and 7.2.2.9). */
import type { OutgoingMessage } from '../message';

import { encodeCommand, numberArgument, stringArgument, streamRoute } from './command';
import type { Command } from './command';

/** `start` of a play command that wants the live stream, or else a recorded one. */
const ANY_START = -2;
/** `duration` of a play command that wants everything. */
const ALL = -1;

/** `play`: the sender wants to receive the named stream. */
export interface PlayPacket {
  readonly kind: 'play';
  readonly stream: string;
  /** -2 live or recorded, -1 live only, else the position; not used by a live server. */
  readonly start: number;
  /** Milliseconds of media to send; everything when not above 0. */
  readonly duration: number;
  /** Whether earlier play requests are dropped; not used, since there is one at a time. */
  readonly reset: boolean;
}

/** `pause`: stops or continues playing. */
export interface PausePacket {
  readonly kind: 'pause';
  readonly isPaused: boolean;
  /** Stream position of the player, milliseconds; not used by a live server. */
  readonly timeMs: number;
}

/** Reads play. A reset of another type than boolean or number counts as not given. */
export function parsePlay(command: Command): PlayPacket {
  const reset = command.args[3];
  return {
    kind: 'play',
    stream: stringArgument(command, 0),
    start: numberArgument(command, 1, ANY_START),
    duration: numberArgument(command, 2, ALL),
    reset: typeof reset === 'number' ? reset !== 0 : reset !== false,
  };
}

/** Reads pause. */
export function parsePause(command: Command): PausePacket {
  const isPaused = command.args[0];
  return {
    kind: 'pause',
    isPaused: isPaused === true || (typeof isPaused === 'number' && isPaused !== 0),
    timeMs: numberArgument(command, 1, 0),
  };
}

/**
 * `play` of the live stream for the client role, in place of what was played before; a duration in milliseconds above 0
 * limits it.
 */
export function encodePlay(streamId: number, stream: string, durationMs = ALL): OutgoingMessage {
  const duration = durationMs > 0 ? durationMs : ALL;
  return encodeCommand(streamRoute(streamId), 'play', 0, null, stream, ANY_START, duration, true);
}

/** `pause` for the client role. */
export function encodePause(streamId: number, isPaused: boolean, timeMs: number): OutgoingMessage {
  return encodeCommand(streamRoute(streamId), 'pause', 0, null, isPaused, timeMs);
}
