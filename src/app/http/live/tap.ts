/** Owns the ways in which a player gets the FLV form of a stream; remuxed forms have their own in `feed-tap`. */
import type { PulledPlayer } from '../../../net/broadcast-log';
import type { VhostOptions } from '../../config/config';
import type { PlayerFigures } from '../../stats/stat-types';
import { flushIntervalMs } from '../../stream/delivery';
import type { DeliveryOptions } from '../../stream/delivery';
import type { Source } from '../../stream/source';

import type { Outlet } from './outlet';
import type { SocketOutlet } from './socket-outlet';

/** What of a vhost a link heeds. */
export type TapOptions = DeliveryOptions & Pick<VhostOptions, 'queueLengthMs' | 'gopCacheMaxBytes'>;

/** The link from a stream to the outlet of one player. */
export interface Tap {
  readonly stats: PlayerFigures;
  /** Begins to send. */
  start(): void;
  /** Goes on by changed options. */
  setOptions(options: TapOptions): void;
  /** Sends what waits to be merged: the end follows. */
  finish(): void;
  /** Stops; once. */
  stop(): void;
  /** The outlet can take more. */
  onDrain(): void;
}

/** Stream id of FLV; it is not in the bytes. */
const STREAM_ID = 1;

/** The head of every FLV file, and the first PreviousTagSize. It promises both tracks: which will come is not known. */
export const FLV_HEAD = Buffer.from([0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]);

/** A player on a native socket: after the start nothing passes here. */
export class NativeTap implements Tap {
  readonly #source: Source;
  readonly #outlet: SocketOutlet;
  #flushMs: number;

  constructor(source: Source, outlet: SocketOutlet, flushMs: number) {
    this.#source = source;
    this.#outlet = outlet;
    this.#flushMs = flushMs;
  }

  get stats(): PlayerFigures {
    return this.#source.playerStats(this.#outlet.socket);
  }

  start(): void {
    this.#outlet.write(FLV_HEAD);
    this.#source.attach(this.#outlet.socket, STREAM_ID, this.#flushMs, 'flv');
  }

  setOptions(options: TapOptions): void {
    const flushMs = flushIntervalMs(options);
    if (this.#flushMs === flushMs) return;
    this.#flushMs = flushMs;
    this.#source.setFlushMs(this.#outlet.socket, flushMs);
  }

  finish(): void {
    this.#source.setFlushMs(this.#outlet.socket, 0);
  }

  stop(): void {
    this.#source.detach(this.#outlet.socket);
  }

  onDrain(): void {
    // The engine sees to it.
  }
}

/** A player whose bytes are handed to its outlet flush by flush. */
export class PulledTap implements Tap, PulledPlayer {
  readonly #source: Source;
  readonly #outlet: Outlet;
  #flushMs: number;
  #isWaiting = false;
  #hasHead = false;

  constructor(source: Source, outlet: Outlet, flushMs: number) {
    this.#source = source;
    this.#outlet = outlet;
    this.#flushMs = flushMs;
  }

  get stats(): PlayerFigures {
    return this.#source.playerStats(this);
  }

  start(): void {
    this.#source.attach(this, STREAM_ID, this.#flushMs, 'flv');
  }

  takeMedia(bytes: Buffer): boolean {
    const isFirst = !this.#hasHead;
    this.#hasHead = true;
    this.#isWaiting = !this.#outlet.write(isFirst ? Buffer.concat([FLV_HEAD, bytes]) : bytes);
    return !this.#isWaiting;
  }

  setOptions(options: TapOptions): void {
    const flushMs = flushIntervalMs(options);
    if (this.#flushMs === flushMs) return;
    this.#flushMs = flushMs;
    this.#source.setFlushMs(this, flushMs);
  }

  finish(): void {
    this.#source.setFlushMs(this, 0);
  }

  stop(): void {
    this.#source.detach(this);
  }

  onDrain(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.#source.resume(this);
  }
}
