/** A broadcast log that keeps what it was given instead of sending it. */
import type { StreamLog } from '../../../src/app/stream/source';
import type { BroadcastLogOptions, PlayerStats } from '../../../src/net/broadcast-log';
import type { Socket } from '../../../src/net/socket';

export interface AppendedMessage {
  type: number;
  timestamp: number;
  flags: number;
  slot: number;
  body: Buffer;
}

export class FakeStreamLog implements StreamLog {
  options: BroadcastLogOptions;
  messages: AppendedMessage[] = [];
  /** Calls other than append, in order: `name arguments`. */
  calls: string[] = [];
  readonly players = new Set<Socket>();
  isClosed = false;
  /** What playerStats tells. */
  dropped = 0;

  constructor(options: BroadcastLogOptions) {
    this.options = options;
  }

  // eslint-disable-next-line max-params -- the shape of the real one
  append(
    type: number,
    timestamp: number,
    flags: number,
    slot: number,
    payload: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.messages.push({
      type,
      timestamp,
      flags,
      slot,
      body: Buffer.from(payload.subarray(start, end)),
    });
  }

  reset(): void {
    this.calls.push('reset');
  }

  setOptions(options: BroadcastLogOptions): void {
    this.options = options;
  }

  attach(socket: Socket, streamId: number, flushMs: number): void {
    this.players.add(socket);
    this.calls.push(`attach ${streamId} ${flushMs}`);
  }

  detach(socket: Socket): void {
    this.players.delete(socket);
    this.calls.push('detach');
  }

  setPaused(_socket: Socket, paused: boolean): void {
    this.calls.push(`setPaused ${paused}`);
  }

  setFlushMs(_socket: Socket, ms: number): void {
    this.calls.push(`setFlushMs ${ms}`);
  }

  setDurationLimit(_socket: Socket, ms: number): void {
    this.calls.push(`setDurationLimit ${ms}`);
  }

  playerStats(): PlayerStats {
    return { messages: this.messages.length, dropped: this.dropped, lagMs: 0, jumps: 0 };
  }

  close(): void {
    this.isClosed = true;
  }

  /** Timestamps of what was appended, in order. */
  get times(): number[] {
    return this.messages.map((message) => message.timestamp);
  }
}
