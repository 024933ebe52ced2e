/** Owns one player: what it is told, its place in the stream, its end. */
import type { Logger } from '../../core/logger';
import { TlsChannel } from '../../net/tls-channel';
import type { VhostOptions } from '../config/config';
import type { StatusMember } from '../stats/status-lines';
import { flushIntervalMs } from '../stream/delivery';
import type { Source } from '../stream/source';

import { SEND_TIMEOUT_MS } from './client';
import type { RtmpClient } from './client';
import { isServer, joinPrompt } from './peer-server';

/** A connection from its `play` to the end of it. Its media flows in the native log, and over TLS from there to the channel. */
export class PlayRole implements StatusMember {
  readonly #client: RtmpClient;
  readonly source: Source;
  #vhost: VhostOptions;
  readonly #startedMs: number;
  readonly #unwant: () => void;
  /** There for a server that is flushed at once. */
  readonly #leavePrompt: (() => void) | undefined;
  #unobserve: (() => void) | undefined;

  constructor(client: RtmpClient, source: Source, vhost: VhostOptions, nowMs: number) {
    this.#client = client;
    this.source = source;
    this.#vhost = vhost;
    this.#startedMs = nowMs;
    this.#unwant = source.want(client.request);
    this.#leavePrompt = isServer(client.request) ? joinPrompt(source) : undefined;
  }

  get log(): Logger {
    return this.#client.log;
  }

  /** Answers the `play` and joins the stream, also one that nobody publishes yet: then the player waits. */
  start(): void {
    const { session, socket, request } = this.#client;
    session.setOutChunkSize(this.source.chunkSize);
    session.acceptPlay();
    if (!this.#vhost.tcpNodelay) socket.setNoDelay(false);
    // A player need not say anything, but it has to take what it is sent.
    socket.setTimeouts(0, SEND_TIMEOUT_MS);
    this.source.attach(socket, session.playStreamId, this.#mergeMs);
    // Milliseconds, as Flash sends it; -1 and 0 mean all of it.
    if (request.duration > 0) this.source.limitDuration(socket, request.duration);
    if (isServer(request)) this.#unobserve = this.#tellOfPublisher();
  }

  /** Goes on with changed options of its vhost. */
  setVhost(vhost: VhostOptions): void {
    const before = this.#vhost;
    this.#vhost = vhost;
    const { socket, isClosing } = this.#client;
    // One that is closing is sent what waits, and that is that.
    if (isClosing) return;
    if (this.#mergeMs !== this.#mergeMsOf(before)) this.source.setFlushMs(socket, this.#mergeMs);
    if (vhost.tcpNodelay !== before.tcpNodelay) socket.setNoDelay(vhost.tcpNodelay);
  }

  setPaused(isPaused: boolean): void {
    this.source.setPaused(this.#client.socket, isPaused);
  }

  /** The channel has sent what it was given. */
  resume(): void {
    const { socket } = this.#client;
    if (socket instanceof TlsChannel) this.source.resume(socket);
  }

  /** Sends what waits to be merged, then tells the player that there is no more. */
  finish(): void {
    this.source.setFlushMs(this.#client.socket, 0);
    this.#client.session.notifyPlay('stop');
  }

  /** Leaves the stream; once. */
  stop(): void {
    this.#unwant();
    this.#leavePrompt?.();
    this.#unobserve?.();
    this.source.detach(this.#client.socket);
  }

  statusLine(nowMs: number): string {
    const { messages, dropped } = this.source.playerStats(this.#client.socket);
    const drops = dropped > 0 ? `, dropped=${dropped}` : '';
    return (
      `-> PLA time=${Math.round(nowMs - this.#startedMs)}, msgs=${messages}, ` +
      `${this.#client.traffic(nowMs)}, mw=${this.#mergeMs}${drops}, source_id=${this.source.sourceId}`
    );
  }

  get #mergeMs(): number {
    return this.#mergeMsOf(this.#vhost);
  }

  /** Another server merges for its own players: waiting twice would add to their latency and save it nothing. */
  #mergeMsOf(vhost: VhostOptions): number {
    return this.#leavePrompt ? 0 : flushIntervalMs(vhost);
  }

  /** A server is told whether there is a publisher, now and later: others may have the stream. Players just wait. */
  #tellOfPublisher(): () => void {
    const { session, socket } = this.#client;
    if (this.source.publisher === undefined) session.notifyPlay('unpublish');
    return this.source.observe({
      onPublish: () => {
        session.notifyPlay('publish');
      },
      onUnpublish: () => {
        this.source.setFlushMs(socket, 0);
        session.notifyPlay('unpublish');
        if (this.#mergeMs > 0) this.source.setFlushMs(socket, this.#mergeMs);
      },
    });
  }
}
