/** Owns one bandwidth check on the side of the server, from the accepted connect to the close. */
import type { Clock } from '../../core/clock';
import { ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { Channel } from '../../net/socket';
import { BandwidthName, encodeBandwidth } from '../../rtmp/packets/bandwidth';
import type { BandwidthPacket } from '../../rtmp/packets/bandwidth';
import type { ServerSession } from '../../rtmp/server-session';

import { Pump } from './pump';
import { ReadLimit } from './read-limit';
import { sampleOf } from './sample';
import type { Sample } from './sample';

/** Longest wait for a step of the client. */
const STEP_TIMEOUT_MS = 6000;
/** The client has so long to close before we do. */
const CLOSE_DELAY_MS = 600;

/** A connection that is measured. */
export interface TestedConnection {
  readonly log: Pick<Logger, 'trace'>;
  readonly socket: Pick<Channel, 'bytesReceived' | 'pendingBytes' | 'pauseRead' | 'resumeRead'>;
  readonly session: Pick<ServerSession, 'send' | 'outChunkSize'>;
  /** Closes in good order: the client is done. */
  finish(): void;
  /** Logs what went wrong and closes. */
  fail(error: SrsError): void;
}

/** How it is measured. */
export interface TestPlan {
  readonly clock: Clock;
  /** Of each direction. */
  readonly durationMs: number;
  readonly limitKbps: number;
  /** Flash does not answer the last steps. */
  readonly isFlash: boolean;
}

/**
 * The steps in their order; messages other than the awaited one are passed over. Play is what the client gets, publish
 * what it sends. One timer at a time beside that of the pace.
 */
export class ServerTest {
  readonly #connection: TestedConnection;
  readonly #plan: TestPlan;
  readonly #startedMs: number;
  /** The time of day, ms of the epoch. */
  readonly #startTime = Date.now();
  #awaited: { readonly name: BandwidthName; readonly then: () => void } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pump: Pump | undefined;
  #readLimit: ReadLimit | undefined;

  /** Sends the first step. */
  constructor(connection: TestedConnection, plan: TestPlan) {
    this.#connection = connection;
    this.#plan = plan;
    this.#startedMs = plan.clock.nowMs();
    this.#send(BandwidthName.startPlay, { limit_kbps: plan.limitKbps, ...this.#planned });
    this.#await(BandwidthName.startingPlay, () => {
      this.#play(this.#elapsedMs);
    });
  }

  /** Takes a step of the client. */
  onPacket({ name }: BandwidthPacket): void {
    this.#readLimit?.check();
    const awaited = this.#awaited;
    if (awaited?.name !== name) return;
    this.#clear();
    awaited.then();
  }

  /** The client has taken what waited. */
  onDrain(): void {
    this.#pump?.onDrain();
  }

  /** Leaves off, wherever it stands; the connection closes. */
  stop(): void {
    this.#clear();
    this.#pump?.stop();
    this.#readLimit?.stop();
  }

  /** Ms since the start. */
  get #elapsedMs(): number {
    return this.#plan.clock.nowMs() - this.#startedMs;
  }

  get #planned(): { duration_ms: number; interval_ms: number } {
    return { duration_ms: this.#plan.durationMs, interval_ms: 0 };
  }

  #send(name: BandwidthName, data: Readonly<Record<string, number>>): void {
    this.#connection.session.send(encodeBandwidth(name, data));
  }

  #await(name: BandwidthName, then: () => void, onTimeout = this.#failing(name)): void {
    this.#awaited = { name, then };
    this.#wait(STEP_TIMEOUT_MS, onTimeout);
  }

  #wait(timeMs: number, then: () => void): void {
    this.#timer = setTimeout(() => {
      this.#clear();
      then();
    }, timeMs);
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#awaited = undefined;
  }

  #failing(name: BandwidthName): () => void {
    return () => {
      const text = `bandwidth check: expect ${name} within ${STEP_TIMEOUT_MS} ms`;
      this.#connection.fail(new SrsError(ErrorCode.SOCKET_TIMEOUT, text));
    };
  }

  /** @param roundTripMs how long a step takes on the idle line */
  #play(roundTripMs: number): void {
    const { session, socket } = this.#connection;
    const pump = new Pump({
      ...this.#plan,
      name: BandwidthName.playing,
      chunkSize: session.outChunkSize,
      send: (message) => {
        session.send(message);
      },
      pendingBytes: () => socket.pendingBytes,
      onEnd: () => {
        this.#stopPlay(pump, roundTripMs);
      },
    });
    this.#pump = pump;
    pump.start();
  }

  /** What waits in buffers has not arrived: the time runs until the client says that it has all. */
  #stopPlay(pump: Pump, roundTripMs: number): void {
    const { sentBytes, elapsedMs } = pump;
    const left = sampleOf(sentBytes - this.#connection.socket.pendingBytes, elapsedMs);
    this.#send(BandwidthName.stopPlay, { ...this.#planned, ...deltas(left) });
    this.#await(BandwidthName.stoppedPlay, () => {
      const arrivedMs = Math.max(elapsedMs, pump.elapsedMs - roundTripMs);
      this.#startPublish(sampleOf(sentBytes, arrivedMs));
    });
  }

  #startPublish(play: Sample): void {
    const { limitKbps } = this.#plan;
    const { socket } = this.#connection;
    const before = socket.bytesReceived;
    this.#send(BandwidthName.startPublish, { limit_kbps: limitKbps, ...this.#planned });
    this.#await(BandwidthName.startingPublish, () => {
      this.#receive(play, () => socket.bytesReceived - before);
    });
  }

  #receive(play: Sample, receivedBytes: () => number): void {
    const { limitKbps, durationMs } = this.#plan;
    const { socket } = this.#connection;
    const startedMs = this.#elapsedMs;
    const elapsedMs = (): number => this.#elapsedMs - startedMs;
    const readLimit = new ReadLimit({ socket, limitKbps, receivedBytes, elapsedMs });
    this.#readLimit = readLimit;
    const end = (): void => {
      readLimit.stop();
      this.#readLimit = undefined;
      this.#stopPublish(play, sampleOf(receivedBytes(), elapsedMs()));
    };
    this.#awaited = { name: BandwidthName.stopPublish, then: end };
    this.#wait(durationMs, end);
  }

  #stopPublish(play: Sample, publish: Sample): void {
    this.#send(BandwidthName.stopPublish, { ...this.#planned, ...deltas(publish) });
    const finish = (): void => {
      this.#finish(play, publish);
    };
    if (this.#plan.isFlash) finish();
    else this.#await(BandwidthName.stoppedPublish, finish);
  }

  #finish(play: Sample, publish: Sample): void {
    const durationMs = Math.round(this.#elapsedMs);
    this.#send(BandwidthName.finished, {
      start_time: this.#startTime,
      end_time: this.#startTime + durationMs,
      play_kbps: play.kbps,
      publish_kbps: publish.kbps,
      play_bytes: play.bytes,
      publish_bytes: publish.bytes,
      play_time: play.timeMs,
      publish_time: publish.timeMs,
    });
    this.#connection.log.trace(
      `bandwidth ok. duration=${durationMs}ms(${play.timeMs}+${publish.timeMs}), ` +
        `play=${play.kbps}kbps, publish=${publish.kbps}kbps`,
    );
    const closeSoon = (): void => {
      this.#wait(CLOSE_DELAY_MS, () => {
        this.#connection.finish();
      });
    };
    // All is said: a client that does not answer any more has done no wrong.
    if (this.#plan.isFlash) closeSoon();
    else this.#await(BandwidthName.final, closeSoon, closeSoon);
  }
}

function deltas({ timeMs, bytes }: Sample): { duration_delta: number; bytes_delta: number } {
  return { duration_delta: timeMs, bytes_delta: bytes };
}
