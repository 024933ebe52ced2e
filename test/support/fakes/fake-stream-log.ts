/** A broadcast log that keeps what it was given instead of sending it. */
import type { StreamLog } from '../../../src/app/stream/source';
import type {
  BroadcastLogOptions,
  LogFormat,
  LogPlayer,
  PlayerStats,
} from '../../../src/net/broadcast-log';

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
  readonly players = new Set<LogPlayer>();
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

  attach(player: LogPlayer, streamId: number, flushMs: number, format: LogFormat = 'rtmp'): void {
    this.players.add(player);
    this.calls.push(`attach ${streamId} ${flushMs}${format === 'flv' ? ' flv' : ''}`);
  }

  detach(player: LogPlayer): void {
    this.players.delete(player);
    this.calls.push('detach');
  }

  resume(): void {
    this.calls.push('resume');
  }

  setPaused(_player: LogPlayer, paused: boolean): void {
    this.calls.push(`setPaused ${paused}`);
  }

  setFlushMs(_player: LogPlayer, ms: number): void {
    this.calls.push(`setFlushMs ${ms}`);
  }

  setDurationLimit(_player: LogPlayer, ms: number): void {
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
