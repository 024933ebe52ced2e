/** Owns the bandwidth check on the side of the client, without sockets: from the handshake to the result. */
import type { Clock } from '../../core/clock';
import { ErrorCode, SrsError } from '../../core/errors';
import type { AmfObject } from '../../rtmp/amf0-value';
import { ClientHandshake } from '../../rtmp/handshake';
import type { Packet } from '../../rtmp/packet-codec';
import { BandwidthName, encodeBandwidth } from '../../rtmp/packets/bandwidth';
import type { BandwidthPacket } from '../../rtmp/packets/bandwidth';
import type { ResponsePacket } from '../../rtmp/packets/command';
import { encodeConnect, parseConnectInfo } from '../../rtmp/packets/connect';
import type { ConnectInfo } from '../../rtmp/packets/connect';
import { statusOf } from '../../rtmp/packets/status';
import { Protocol } from '../../rtmp/protocol';
import type { ProtocolHandler } from '../../rtmp/protocol';
import type { Transport } from '../../rtmp/transport';

import { Pump } from './pump';
import { INTERVAL_REJECTED, KEY_REJECTED } from './rejections';

/** Longest wait for anything of the server, but while it only listens. */
const SILENCE_MS = 10_000;
/** The whole of it, whatever the server says. */
const TOTAL_MS = 150_000;
/** Longest time for which a server may have us send. */
const MAX_DURATION_MS = 60_000;
const CONNECT_TRANSACTION = 1;

/** What the server has measured: play is what we got, publish what we sent. */
export interface BandwidthResult {
  /** Of the whole check. */
  readonly durationMs: number;
  readonly playKbps: number;
  readonly publishKbps: number;
  readonly playBytes: number;
  readonly publishBytes: number;
  readonly playMs: number;
  readonly publishMs: number;
}

/** What the owner is told; either the result or an error, once. */
export interface BandwidthClientHandler {
  /** The server has accepted the connect. */
  onConnected(info: ConnectInfo): void;
  /** All is done; the transport has been ended. */
  onResult(result: BandwidthResult): void;
  /** It goes no further: close the transport. */
  onError(error: SrsError): void;
}

/** How to connect. */
export interface BandwidthClientOptions {
  readonly clock: Clock;
  readonly tcUrl: string;
  readonly app: string;
}

/** Push state machine of one check. Call start when the transport is connected, and close when it is gone. */
export class BandwidthClient implements ProtocolHandler {
  readonly #transport: Transport & { readonly pendingBytes: number };
  readonly #handler: BandwidthClientHandler;
  readonly #options: BandwidthClientOptions;
  readonly #protocol: Protocol;
  #handshake: ClientHandshake | undefined;
  #awaited: BandwidthName | 'connect' = 'connect';
  #pump: Pump | undefined;
  #silence: NodeJS.Timeout | undefined;
  #total: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(
    transport: Transport & { readonly pendingBytes: number },
    handler: BandwidthClientHandler,
    options: BandwidthClientOptions,
  ) {
    this.#transport = transport;
    this.#handler = handler;
    this.#options = options;
    this.#protocol = new Protocol(transport, this);
    this.#handshake = new ClientHandshake((bytes) => {
      transport.write(bytes);
    });
  }

  /** Begins the handshake; all else follows by itself. */
  start(): void {
    this.#handshake?.start();
    this.#silence = this.#limit(SILENCE_MS, () => `expect ${this.#awaitedText} of the server`);
    this.#total = this.#limit(TOTAL_MS, () => 'expect the check to be done');
  }

  /** Takes received bytes, lent for the call. What the server does wrong is told as an error. */
  push(slab: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return;
    this.#silence?.refresh();
    try {
      this.#parse(slab, start, end);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#fail(error);
    }
  }

  /** The transport has taken what waited. */
  onDrain(): void {
    this.#pump?.onDrain();
  }

  /** The transport is gone; `reason` is told as the error when the result had not come. */
  close(reason: string): void {
    this.#fail(new SrsError(ErrorCode.SOCKET_CLOSED, `${reason} before ${this.#awaitedText}`));
  }

  /** Takes each command from the protocol layer. */
  onPacket(packet: Packet): void {
    if (this.#isOver) return;
    switch (packet.kind) {
      case 'bandwidth':
        if (packet.name === this.#awaited) this.#onStep(packet);
        break;
      case 'response':
        this.#onResponse(packet);
        break;
      case 'status':
        // The way of other servers to refuse a check.
        if (packet.level === 'error') this.#refused(packet.code, packet.description);
        break;
      case 'call':
        if (packet.command.name === 'onBWDone') this.#notTested();
        break;
      default:
    }
  }

  /** Passes damaged commands over: if it was the awaited one, the silence ends the check. */
  onUndecodable(): void {
    return;
  }

  /** There is no media in a check. */
  onMessage(): void {
    return;
  }

  #parse(slab: Uint8Array, start: number, end: number): void {
    let at = start;
    if (this.#handshake !== undefined) {
      at += this.#handshake.push(slab, start, end);
      if (this.#handshake.done) {
        this.#handshake = undefined;
        this.#protocol.send(encodeConnect(this.#options));
      }
    }
    if (at < end) this.#protocol.push(slab, at, end);
    this.#protocol.countReceived(end - start);
  }

  #onResponse(response: ResponsePacket): void {
    const isOurs = response.command.transactionId === CONNECT_TRANSACTION;
    if (this.#awaited !== 'connect' || !isOurs) return;
    if (response.isError) {
      const { code, description } = statusOf(response.command);
      this.#refused(code, description);
      return;
    }
    this.#awaited = BandwidthName.startPlay;
    this.#handler.onConnected(parseConnectInfo(response));
  }

  #onStep({ name, data }: BandwidthPacket): void {
    switch (name) {
      case BandwidthName.startPlay:
        this.#answer(BandwidthName.startingPlay, BandwidthName.stopPlay);
        break;
      case BandwidthName.stopPlay:
        this.#answer(BandwidthName.stoppedPlay, BandwidthName.startPublish);
        break;
      case BandwidthName.startPublish:
        this.#publish(data);
        break;
      case BandwidthName.stopPublish:
        // The clock of the server may be ahead of ours.
        if (this.#pump !== undefined) this.#stopPublish();
        this.#answer(BandwidthName.stoppedPublish, BandwidthName.finished);
        break;
      case BandwidthName.finished:
        this.#finish(data);
        break;
      default:
    }
  }

  #answer(name: BandwidthName, awaited: BandwidthName): void {
    this.#awaited = awaited;
    this.#protocol.send(encodeBandwidth(name));
  }

  #publish(data: AmfObject | undefined): void {
    const durationMs = readNumber(data, 'duration_ms', 1, MAX_DURATION_MS);
    const limitKbps = readNumber(data, 'limit_kbps', 1);
    this.#answer(BandwidthName.startingPublish, BandwidthName.stopPublish);
    // Until we stop, the server has nothing to say.
    clearTimeout(this.#silence);
    this.#silence = undefined;
    this.#pump = new Pump({
      clock: this.#options.clock,
      name: BandwidthName.publishing,
      limitKbps,
      durationMs,
      chunkSize: this.#protocol.outChunkSize,
      send: (message) => {
        this.#protocol.send(message);
      },
      pendingBytes: () => this.#transport.pendingBytes,
      onEnd: () => {
        this.#stopPublish();
      },
    });
    this.#pump.start();
  }

  #stopPublish(): void {
    this.#pump?.stop();
    this.#pump = undefined;
    this.#protocol.send(encodeBandwidth(BandwidthName.stopPublish));
    this.#silence = this.#limit(SILENCE_MS, () => `expect ${this.#awaitedText} of the server`);
  }

  #finish(data: AmfObject | undefined): void {
    const read = (name: string): number => readNumber(data, name, 0);
    const result: BandwidthResult = {
      durationMs: Math.max(0, read('end_time') - read('start_time')),
      playKbps: read('play_kbps'),
      publishKbps: read('publish_kbps'),
      playBytes: read('play_bytes'),
      publishBytes: read('publish_bytes'),
      playMs: read('play_time'),
      publishMs: read('publish_time'),
    };
    this.#protocol.send(encodeBandwidth(BandwidthName.final));
    this.#end();
    this.#transport.end();
    this.#handler.onResult(result);
  }

  get #awaitedText(): string {
    return this.#awaited === 'connect' ? 'the reply to connect' : this.#awaited;
  }

  #refused(status: string, description: string): void {
    const text = `bandwidth check: expect the server to accept it, got ${status} ${description}`;
    this.#fail(new SrsError(codeOf(description), text.trimEnd()));
  }

  /** A server ends the connect by this when it has no check to make. */
  #notTested(): void {
    if (this.#awaited !== BandwidthName.startPlay) return;
    const text = 'bandwidth check: expect a vhost with bandcheck, got one without';
    this.#fail(new SrsError(ErrorCode.RTMP_BWTC_DATA, text));
  }

  #limit(timeMs: number, text: () => string): NodeJS.Timeout {
    return setTimeout(() => {
      const message = `bandwidth check: ${text()} within ${timeMs} ms`;
      this.#fail(new SrsError(ErrorCode.SOCKET_TIMEOUT, message));
    }, timeMs);
  }

  #fail(error: SrsError): void {
    if (this.#isOver) return;
    this.#end();
    this.#handler.onError(error);
  }

  #end(): void {
    this.#isOver = true;
    this.#pump?.stop();
    clearTimeout(this.#silence);
    clearTimeout(this.#total);
    this.#protocol.dispose();
  }
}

/** The error for a refusal, as far as its words tell. */
function codeOf(description: string): ErrorCode {
  if (description === INTERVAL_REJECTED) return ErrorCode.SYSTEM_BANDWIDTH_DENIED;
  if (description === KEY_REJECTED) return ErrorCode.SYSTEM_BANDWIDTH_KEY;
  return ErrorCode.RTMP_ACCESS_DENIED;
}

/** A number that the server gave, whatever it is for. */
function readNumber(
  data: AmfObject | undefined,
  name: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  const value = data?.number(name);
  // NaN is not within any limits.
  if (value !== undefined && value >= least && value <= most) return value;
  throw new SrsError(
    ErrorCode.RTMP_BWTC_DATA,
    `bandwidth check: expect ${name} from ${least} to ${most} of the server, got ${value ?? 'none'}`,
  );
}
