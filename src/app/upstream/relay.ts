/** Owns one copy of a stream to another server, which survives refusals and losses until it is stopped. */
import { describeError, ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { redact } from '../../core/redact';
import { TlsChannel } from '../../net/tls-channel';
import type { StatusMember } from '../stats/status-lines';
import { streamKey } from '../stream/source';
import type { Source } from '../stream/source';

import { expand, orderFor } from './candidates';
import { UpstreamConnection } from './connection';
import { Pulse } from './pulse';
import type { RelayEvents, RelayOptions, RelayParts, RelayStatus } from './relay-parts';
import { RelayTally } from './relay-tally';
import { parseUpstream, urlOf } from './target';
import type { UpstreamServer, UpstreamWord } from './target';
import { UpstreamError } from './upstream-error';

/** What follows a failure. */
type NextStep = 'ask another' | 'ask all' | 'wait';

const SILENCE_MS = 15_000;
/** A server that took the copy for so long may have it again without a longer wait. */
const STABLE_MS = 5000;
const LINE_MARKS = { forward: 'FWR', 'edge-push': 'EFW' } as const;

/** A relay; it connects from {@link start} to {@link stop}, whether a stream is attached or not. */
export class Relay implements StatusMember {
  readonly #parts: RelayParts;
  readonly #options: RelayOptions;
  readonly #events: RelayEvents;
  readonly #words: readonly UpstreamWord[];
  readonly #tally = new RelayTally();
  #state: RelayStatus['state'] | 'new' = 'new';
  #flushMs: number;
  /** Candidates not asked yet since the last wait. */
  #round: UpstreamServer[] = [];
  #hasSeveral = false;
  #server: UpstreamServer | undefined;
  #connection: UpstreamConnection | undefined;
  #source: Source | undefined;
  #unobserve: (() => void) | undefined;
  #isJoined = false;
  #pulse: Pulse | undefined;
  #timer: NodeJS.Timeout | undefined;
  #giveUpTimer: NodeJS.Timeout | undefined;
  #url: string;
  #grants = 0;
  #grantedMs = 0;
  #lastError: UpstreamError | undefined;

  /** @throws SrsError when none of the words means anything, see {@link parseUpstream} */
  constructor(parts: RelayParts, options: RelayOptions, events: RelayEvents = {}) {
    this.#parts = parts;
    this.#options = options;
    this.#events = events;
    this.#flushMs = options.flushMs;
    this.#words = this.#parse(options.words);
    this.#url = this.#words.map(({ text }) => text).join(' ');
  }

  get log(): Logger {
    return this.#options.log;
  }

  /** Begins to connect; once. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#expectGrant();
    this.#beginRound();
  }

  /** Copies this stream, now and after each reconnect; one that was attached before is left. */
  attach(source: Source): void {
    if (this.#source === source || this.#state === 'stopped') return;
    this.detach();
    this.#source = source;
    this.#unobserve = source.observe({
      onMetadata: (metadata) => {
        if (this.#isJoined) this.#connection?.sendMetadata(metadata);
      },
    });
    if (this.#state === 'connected') this.#join();
  }

  /** Sends what waits of the stream and copies it no longer; the connection stays. */
  detach(): void {
    this.#leaveSource(true);
    this.#unobserve?.();
    this.#unobserve = undefined;
    this.#source = undefined;
  }

  /** Merged write of the copy from now on, ms. */
  setFlushMs(flushMs: number): void {
    this.#flushMs = flushMs;
    const channel = this.#connection?.channel;
    if (this.#isJoined && channel) this.#source?.setFlushMs(channel, flushMs);
  }

  status(): RelayStatus {
    this.#look();
    const { bytesSent, messages, dropped } = this.#tally.total;
    const isConnected = this.#state === 'connected';
    return {
      url: this.#url,
      state: this.#state === 'new' ? 'connecting' : this.#state,
      connectedMs: isConnected ? this.#parts.clock.nowMs() - this.#grantedMs : 0,
      sentBytes: bytesSent,
      messages,
      dropped,
      reconnects: Math.max(0, this.#grants - 1),
      lastError: this.#lastError?.message ?? '',
      contextId: this.log.contextId,
    };
  }

  /** Sends what waits, withdraws the stream and closes; idempotent. */
  stop(): void {
    if (this.#state === 'stopped') return;
    this.detach();
    this.#leaveConnection();
    this.#state = 'stopped';
    clearTimeout(this.#timer);
    clearTimeout(this.#giveUpTimer);
  }

  statusLine(nowMs: number): string {
    this.#look();
    const mark = LINE_MARKS[this.#options.kind];
    return `-> ${mark} ${this.#tally.line(nowMs)}, url=${this.#url}`;
  }

  /** One bad word does not spoil the others. */
  #parse(texts: readonly string[]): UpstreamWord[] {
    const words: UpstreamWord[] = [];
    let failure = new SrsError(ErrorCode.EDGE_VHOST_REMOVED, 'expected a server, got none');
    for (const text of texts) {
      try {
        words.push(parseUpstream(text));
      } catch (error) {
        if (!(error instanceof SrsError)) throw error;
        failure = error;
        this.log.error(describeError(error));
      }
    }
    if (words.length === 0) throw failure;
    return words;
  }

  /** Asks anew which servers there are, and begins with the first. */
  #beginRound(): void {
    this.#state = 'connecting';
    this.#server = undefined;
    const { resolver, failures } = this.#parts;
    expand(this.#words, resolver).then(
      (servers) => {
        if (this.#state !== 'connecting') return;
        this.#hasSeveral = servers.length > 1;
        this.#round = orderFor(streamKey(this.#options.names), servers, failures);
        this.#connectNext();
      },
      (error: unknown) => {
        if (this.#state !== 'connecting') return;
        const message = error instanceof Error ? error.message : String(error);
        this.#onEnd(new UpstreamError(ErrorCode.SYSTEM_DNS, message, { cause: error }));
      },
    );
  }

  #connectNext(): void {
    const server = this.#round.shift();
    if (server === undefined) {
      this.#onEnd(new UpstreamError(ErrorCode.SYSTEM_DNS, 'expected a server, got none'));
      return;
    }
    this.#state = 'connecting';
    this.#server = server;
    const { names, log, verify, identify, args, pageUrl, swfUrl } = this.#options;
    const url = urlOf(server, names);
    this.#url = url.label;
    const chunkSize = this.#source?.chunkSize;
    const firstByteMs = this.#options.silenceMs ?? SILENCE_MS;
    const request = { url, verify, identify, args, pageUrl, swfUrl, log, chunkSize, firstByteMs };
    const connection = new UpstreamConnection(this.#parts, request, {
      onConnected: () => {
        connection.publish();
      },
      onPublishing: () => {
        this.#onGranted(connection, server);
      },
      onDrain: () => {
        const { channel } = connection;
        if (this.#isJoined && channel instanceof TlsChannel) this.#source?.resume(channel);
      },
      onPong: () => this.#pulse?.onPong(),
      onEnd: (error) => {
        this.#onEnd(error);
      },
    });
    this.#connection = connection;
  }

  #onGranted(connection: UpstreamConnection, server: UpstreamServer): void {
    const { clock, failures, lines } = this.#parts;
    this.#state = 'connected';
    this.#grantedMs = clock.nowMs();
    this.#grants++;
    this.#url = connection.url.label;
    clearTimeout(this.#giveUpTimer);
    failures.succeed(server);
    this.#tally.begin(this.#grantedMs);
    this.#pulse = this.#createPulse(connection);
    lines.add(this);
    this.log.trace(`upstream takes the stream, url=${this.#url}`);
    if (this.#source) this.#join();
    this.#events.onGranted?.();
  }

  #createPulse(connection: UpstreamConnection): Pulse {
    const { kind, silenceMs = SILENCE_MS } = this.#options;
    return new Pulse(connection, {
      clock: this.#parts.clock,
      silenceMs,
      // A stranger might mind to be pinged by a client.
      canPing: kind === 'edge-push' || (connection.info?.pid ?? 0) > 0,
      onLook: () => {
        this.#look();
      },
      onDead: () => {
        connection.close();
        const message = `expected a sign of life within ${silenceMs} ms, got none`;
        const { label } = connection.url.server;
        this.#onEnd(new UpstreamError(ErrorCode.SOCKET_TIMEOUT, `${label}: ${message}`));
      },
    });
  }

  /** The connection is over, or was never made. */
  #onEnd(error: UpstreamError): void {
    const next = this.#nextStep();
    this.#leaveSource(false);
    this.#leaveConnection();
    this.#state = 'waiting';
    this.#lastError = error;
    if (error.isRefusal) {
      const isFinal = this.#events.onRefused?.(error) === 'stop';
      if (isFinal) this.stop();
    } else {
      if (this.#server) this.#parts.failures.fail(this.#server);
      this.#events.onFailed?.(error, next !== 'wait');
    }
    this.#proceed(next, error);
  }

  /** What to do when the present attempt has failed; what was lost after a while is looked for elsewhere at once. */
  #nextStep(): NextStep {
    if (this.#state !== 'connected') return this.#round.length > 0 ? 'ask another' : 'wait';
    this.#round = [];
    this.#expectGrant();
    if (this.#parts.clock.nowMs() - this.#grantedMs < STABLE_MS) return 'wait';
    this.#options.backoff.reset();
    return this.#hasSeveral ? 'ask all' : 'wait';
  }

  #proceed(next: NextStep, error: UpstreamError): void {
    // Who was told of the failure may have stopped it.
    const isStopped = this.#state === 'stopped';
    const waitMs = next === 'wait' && !isStopped ? this.#options.backoff.next() : 0;
    const how = isStopped ? 'stopped' : next === 'wait' ? `retry in ${waitMs}ms` : next;
    const detail = redact(describeError(error));
    this.log.warn(`upstream lost, url=${this.#url}, ${how}, ${detail}`, error.cause);
    if (isStopped) return;
    if (next === 'ask another') this.#connectNext();
    else if (next === 'ask all') this.#beginRound();
    else {
      this.#timer = setTimeout(() => {
        this.#beginRound();
      }, waitMs);
    }
  }

  /** From now on a server has to take the copy within the time that there is. */
  #expectGrant(): void {
    const { giveUpMs } = this.#options;
    if (giveUpMs === undefined) return;
    clearTimeout(this.#giveUpTimer);
    this.#giveUpTimer = setTimeout(() => {
      const message = `expected a server to take the stream within ${giveUpMs} ms, got none`;
      const error = this.#lastError ?? new UpstreamError(ErrorCode.SOCKET_TIMEOUT, message);
      this.stop();
      this.log.warn(`upstream given up, url=${this.#url}, ${redact(describeError(error))}`);
      this.#events.onGaveUp?.(error);
    }, giveUpMs);
  }

  /** The stream flows over the connection from now on. */
  #join(): void {
    const source = this.#source;
    const connection = this.#connection;
    const channel = connection?.channel;
    if (!source || !channel) return;
    connection.setChunkSize(source.chunkSize);
    // The log tells its metadata, too, but as servers tell players; strict servers do not take that from publishers.
    if (source.metadata) connection.sendMetadata(source.metadata);
    source.attachRelay(channel, connection.streamId, this.#flushMs);
    this.#isJoined = true;
  }

  /** The stream flows no longer; `doesFlush`: what waits is sent before. */
  #leaveSource(doesFlush: boolean): void {
    const channel = this.#connection?.channel;
    if (!this.#isJoined || !channel) return;
    if (doesFlush) this.#source?.setFlushMs(channel, 0);
    this.#look();
    this.#source?.detachRelay(channel);
    this.#isJoined = false;
  }

  #leaveConnection(): void {
    this.#pulse?.stop();
    this.#pulse = undefined;
    this.#parts.lines.remove(this);
    this.#connection?.close();
    this.#look();
    this.#connection = undefined;
  }

  /** Takes note of what the connection has sent. */
  #look(): void {
    const connection = this.#connection;
    const channel = connection?.channel;
    if (this.#state !== 'connected' || !connection || !channel) return;
    const { bytesSent, bytesReceived } = connection;
    const stats = this.#isJoined ? this.#source?.playerStats(channel) : undefined;
    const { messages = 0, dropped = 0 } = stats ?? {};
    this.#tally.look({ bytesSent, bytesReceived, messages, dropped });
  }
}

export type { RelayEvents, RelayOptions, RelayParts, RelayStatus };
