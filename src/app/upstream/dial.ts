/** Owns the way to an open connection: the addresses of a host, TCP to each in turn, TLS over it. */
import { getSystemErrorName } from 'node:util';

import { describeFault, ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { Engine } from '../../net/engine';
import type { Socket, SocketHandler } from '../../net/socket';
import { TlsChannel } from '../../net/tls-channel';

import type { Resolver } from './resolver';
import { hostAndPort } from './target';
import type { UpstreamServer } from './target';
import { UpstreamError } from './upstream-error';

/** What RTMP is spoken over. */
export type UpstreamChannel = Socket | TlsChannel;

/** What connections are opened with. */
export interface DialParts {
  readonly engine: Pick<Engine, 'connect'>;
  readonly resolver: Pick<Resolver, 'addresses'>;
  readonly log: Logger;
  /** Whether the certificate of an rtmps server is checked. */
  readonly verify: boolean;
}

/** Who is told. */
export interface DialEvents {
  /** A connection is open; its handler, which hears of everything further, is to be set now. */
  onOpen(channel: UpstreamChannel): void;
  /** No address is left to be tried. */
  onFailed(error: UpstreamError): void;
}

/** An address that does not answer is given up. */
const CONNECT_TIMEOUT_MS = 3000;

/** The attempts to reach one server, one address at a time. It is told of nothing after {@link cancel}. */
export class Dial {
  readonly #parts: DialParts;
  readonly #server: UpstreamServer;
  readonly #events: DialEvents;
  #address = '';
  /** Addresses not tried yet. */
  #rest: readonly string[] = [];
  /** What is being opened. */
  #opening: UpstreamChannel | undefined;
  #isOver = false;

  constructor(parts: DialParts, server: UpstreamServer, events: DialEvents) {
    this.#parts = parts;
    this.#server = server;
    this.#events = events;
  }

  /** Begins; once. */
  start(): void {
    this.#resolve().catch((error: unknown) => {
      this.#parts.log.error(`a connection failed: ${describeFault(error)}`);
    });
  }

  /** The address of the last attempt once more. */
  again(): void {
    if (!this.#isOver) this.#connect();
  }

  /** The next address; without one, all has failed by `error`. */
  next(error: UpstreamError): void {
    if (this.#isOver) return;
    const [address, ...rest] = this.#rest;
    if (address === undefined) {
      this.cancel();
      this.#events.onFailed(error);
      return;
    }
    this.#address = address;
    this.#rest = rest;
    this.#connect();
  }

  /** Ends what is under way; what is open already is not touched. */
  cancel(): void {
    this.#isOver = true;
    this.#opening?.destroy();
    this.#opening = undefined;
  }

  async #resolve(): Promise<void> {
    const { host } = this.#server;
    const fail = (reason: string, cause?: unknown): UpstreamError =>
      new UpstreamError(ErrorCode.SYSTEM_DNS, reason, { cause });
    let failure = fail(`DNS: expected an address of ${host}, got none`);
    try {
      this.#rest = await this.#parts.resolver.addresses(host);
    } catch (error) {
      failure = fail(error instanceof Error ? error.message : String(error), error);
    }
    this.next(failure);
  }

  #connect(): void {
    const { engine } = this.#parts;
    const { port, schema } = this.#server;
    const socket: Socket = engine.connect(this.#address, port, CONNECT_TIMEOUT_MS, {
      onConnect: () => {
        if (this.#opening !== socket) socket.destroy();
        else if (schema === 'rtmps') this.#secure(socket);
        else this.#open(socket);
      },
      onData: () => undefined,
      onClose: (errno) => {
        if (this.#opening === socket) this.#fail(`cannot connect: ${errorName(errno)}`);
      },
    });
    this.#opening = socket;
  }

  #secure(socket: Socket): void {
    const { verify, log } = this.#parts;
    try {
      const channel = new TlsChannel(socket, { host: this.#server.host, verify }, log);
      channel.handler = this.#tlsHandler(channel);
      this.#opening = channel;
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      socket.destroy();
      this.#fail(error.message);
    }
  }

  #tlsHandler(channel: TlsChannel): SocketHandler {
    return {
      onConnect: () => {
        if (this.#opening === channel) this.#open(channel);
      },
      onData: () => undefined,
      onClose: (errno) => {
        if (this.#opening !== channel) return;
        this.#fail(channel.reason === '' ? `TLS: ${errorName(errno)}` : channel.reason);
      },
    };
  }

  #open(channel: UpstreamChannel): void {
    this.#opening = undefined;
    this.#events.onOpen(channel);
  }

  #fail(reason: string): void {
    this.#opening = undefined;
    const { host, port, label } = this.#server;
    const address = hostAndPort(this.#address, port);
    const where = host === this.#address ? label : `${label} at ${address}`;
    this.next(new UpstreamError(ErrorCode.ST_CONNECT, `${where}: ${reason}`));
  }
}

/** `ECONNREFUSED`; 0 is an end in good order. */
export function errorName(errno: number): string {
  return errno === 0 ? 'the server closed the connection' : getSystemErrorName(-errno);
}
