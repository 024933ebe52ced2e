/** Owns what tests of the native boundary share: a quiet log, an engine on loopback, a chunk-free peer. */
import { connect } from 'node:net';
import type { Socket as PlainSocket } from 'node:net';

import { Engine } from '../../src/net/engine';
import type { Socket, SocketHandler } from '../../src/net/socket';

import { RecordingLogger } from './fakes/recording-logger';

/** Records what a socket is told, and lets a test wait for it. */
export class RecordingHandler implements SocketHandler {
  received = Buffer.alloc(0);
  closedWith: number | undefined;
  connected = false;
  drained = 0;
  playEnded = 0;
  ended = 0;
  #waiting: { holds: () => boolean; resolve: () => void }[] = [];

  onData(slab: Buffer, start: number, end: number): void {
    this.received = Buffer.concat([this.received, slab.subarray(start, end)]);
    this.#wake();
  }
  onClose(errno: number): void {
    this.closedWith = errno;
    this.#wake();
  }
  onConnect(): void {
    this.connected = true;
    this.#wake();
  }
  onDrain(): void {
    this.drained++;
    this.#wake();
  }
  onPlayEnd(): void {
    this.playEnded++;
    this.#wake();
  }
  onEnd(): void {
    this.ended++;
    this.#wake();
  }

  /** Resolves once the condition holds after one of the calls above. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ holds, resolve });
    });
  }

  #wake(): void {
    const met = this.#waiting.filter((one) => one.holds());
    this.#waiting = this.#waiting.filter((one) => !met.includes(one));
    for (const one of met) one.resolve();
  }
}

/** One accepted socket and the plain Node socket at its other end. */
export interface Pair {
  readonly socket: Socket;
  readonly handler: RecordingHandler;
  readonly peer: PlainSocket;
}

/** An engine with one listener on a free loopback port. */
export class Loopback {
  readonly log = new RecordingLogger();
  readonly engine = new Engine(this.log);
  readonly port: number;
  readonly #peers: PlainSocket[] = [];
  #accepted: ((socket: Socket) => void)[] = [];

  constructor() {
    this.port = this.engine.listen('127.0.0.1', 0, (socket) => {
      this.#accepted.shift()?.(socket);
    }).port;
  }

  /** Connects a plain socket and waits until the engine has accepted it. */
  async pair(): Promise<Pair> {
    const handler = new RecordingHandler();
    const accepted = new Promise<Socket>((resolve) => {
      this.#accepted.push((socket) => {
        socket.handler = handler;
        resolve(socket);
      });
    });
    const peer = connect(this.port, '127.0.0.1');
    this.#peers.push(peer);
    return { socket: await accepted, handler, peer };
  }

  close(): void {
    for (const peer of this.#peers) peer.destroy();
    this.engine.close();
  }
}
