/** Owns an RTMP server for tests that does what it is told: grants, refuses, leaves, or says nothing at some step. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

import { AmfObject } from '../../../../src/rtmp/amf0-value';
import type { MessageHeader, OutgoingMessage } from '../../../../src/rtmp/message';
import { connectionRoute, encodeCommand, streamRoute } from '../../../../src/rtmp/packets/command';
import type { RtmpRequest } from '../../../../src/rtmp/request';
import { ServerSession } from '../../../../src/rtmp/server-session';
import { plainValues } from '../../../support/rtmp-peer';
import { pairFiles } from '../../../support/tls';
import { Waits } from '../../../support/waits';

/** How it meets who comes. */
export interface Behaviour {
  /** `leave`: closes at the first bytes of a handshake; `only simple`: at those of a complex one; `silent`: no answer. */
  readonly handshake?: 'leave' | 'only simple' | 'silent' | 'other version';
  readonly connect?: 'refuse' | 'silent' | 'login' | { readonly redirect: string };
  readonly stream?:
    'refuse' | 'silent' | 'leave' | { readonly redirect: string; readonly redirect2?: string };
  /** It does not say who it is. */
  readonly isStranger?: boolean;
}

export interface HeardMessage {
  readonly type: number;
  readonly timestamp: number;
  readonly payload: Buffer;
}

const CLIENT_VERSION_AT = 5;
/** The header of a UserControl message, and the event: as hexadecimal text. */
const PING_REQUEST = '0200000000000604000000000006';

/** One connection that was made to it. */
export class OriginConnection {
  readonly socket: Socket;
  readonly media: HeardMessage[] = [];
  /** Names and values of data messages, `onMetaData` with its number of values. */
  readonly data: string[] = [];
  request: RtmpRequest | undefined;
  isUnpublished = false;
  isClosed = false;
  /** It takes what comes, and does nothing about it. */
  isFrozen = false;
  pings = 0;
  readonly #behaviour: Behaviour;
  readonly #session: ServerSession;
  readonly #onChange: () => void;
  #isShaken = false;

  constructor(socket: Socket, behaviour: Behaviour, onChange: () => void) {
    this.socket = socket;
    this.#behaviour = behaviour;
    this.#onChange = onChange;
    this.#session = this.#createSession();
    socket.setNoDelay(true).on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      this.#receive(bytes);
    });
    socket.on('close', () => {
      this.isClosed = true;
      onChange();
    });
  }

  /** Sends a message of any kind. */
  send(message: OutgoingMessage): void {
    this.#session.send(message);
  }

  /** Sends an audio or video message. */
  sendMedia(type: number, timestamp: number, payload: Buffer): void {
    this.send({ type, timestamp, streamId: 1, chunkStreamId: 6, payload });
  }

  #receive(bytes: Buffer): void {
    const { handshake } = this.#behaviour;
    if (handshake === 'silent' || this.isFrozen) return;
    const isComplex = !this.#isShaken && bytes.readUInt32BE(CLIENT_VERSION_AT) !== 0;
    if (handshake === 'leave' || (handshake === 'only simple' && isComplex)) {
      this.socket.destroy();
      return;
    }
    if (handshake === 'other version') {
      this.socket.write(Buffer.alloc(100, 'H'));
      return;
    }
    this.#isShaken = true;
    this.pings += bytes.toString('hex').split(PING_REQUEST).length - 1;
    this.#session.push(bytes, 0, bytes.length);
    this.#onChange();
  }

  #createSession(): ServerSession {
    const ignore = (): void => undefined;
    const transport = {
      write: (data: Uint8Array): void => {
        this.socket.write(Buffer.from(data));
      },
      end: (): void => {
        this.socket.end();
      },
      destroy: (): void => {
        this.socket.destroy();
      },
      bytesReceived: 0,
      bytesSent: 0,
    };
    return new ServerSession(transport, {
      onConnect: (request) => {
        this.#onConnect(request);
      },
      onPublish: (request) => {
        this.#onStream(request, 'publish');
      },
      onPlay: (request) => {
        this.#onStream(request, 'play');
      },
      onMedia: (header, payload, start, end) => {
        this.#hear(header, Buffer.from(payload.subarray(start, end)));
      },
      onMetadata: (_header, name, value) => {
        this.data.push(`${name} ${value.entries.size}`);
      },
      onDataMessage: (_header, payload, start, end) => {
        this.data.push(String(plainValues(Buffer.from(payload.subarray(start, end)))[0]));
      },
      onUnpublish: () => {
        this.isUnpublished = true;
      },
      onPause: ignore,
      onPlayClosed: ignore,
    });
  }

  #hear({ type, timestamp }: MessageHeader, payload: Buffer): void {
    this.media.push({ type, timestamp, payload });
  }

  #onConnect(request: RtmpRequest): void {
    this.request = request;
    const { connect } = this.#behaviour;
    if (connect === 'silent') return;
    if (connect === undefined) {
      const pid = this.#behaviour.isStranger === true ? 0 : 77;
      this.#session.acceptConnect({ serverIp: '10.9.8.7', pid, contextId: 707 });
    } else if (connect === 'refuse') this.#session.rejectConnect('no such app');
    else if (connect === 'login') {
      this.#session.rejectConnect(
        '[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ]',
      );
    } else {
      const ex = AmfObject.of({ code: 302, redirect: connect.redirect });
      const info = AmfObject.of({ level: 'error', code: 'NetConnection.Connect.Rejected', ex });
      this.send(encodeCommand(connectionRoute, '_error', 1, null, info));
    }
  }

  #onStream(request: RtmpRequest, what: 'publish' | 'play'): void {
    this.request = request;
    const { stream } = this.#behaviour;
    if (stream === 'silent') return;
    if (stream === 'leave') this.socket.destroy();
    else if (stream === 'refuse') {
      if (what === 'play') this.#session.rejectPlay('NetStream.Play.StreamNotFound', 'not here');
      else this.#session.rejectPublish('NetStream.Publish.BadName', 'stream busy');
    } else if (stream !== undefined) {
      const ex = AmfObject.of({ code: 302, ...stream });
      const info = AmfObject.of({ level: 'error', code: 'NetConnection.Connect.Rejected', ex });
      this.send(encodeCommand(streamRoute(1), 'onStatus', 0, null, info));
    } else if (what === 'play') this.#session.acceptPlay();
    else this.#session.acceptPublish();
  }
}

/** Listens on a free port of loopback. */
export class FakeOrigin {
  behaviour: Behaviour;
  readonly connections: OriginConnection[] = [];
  readonly #server: Server;
  readonly #waits = new Waits(() => `${this.connections.length} connections`);

  private constructor(behaviour: Behaviour, isSecure: boolean) {
    this.behaviour = behaviour;
    const take = (socket: Socket): void => {
      const connection = new OriginConnection(socket, this.behaviour, () => {
        this.#waits.look();
      });
      this.connections.push(connection);
      this.#waits.look();
    };
    const { cert, key } = pairFiles('first');
    const pair = { cert: readFileSync(cert), key: readFileSync(key) };
    this.#server = isSecure ? createTlsServer(pair, take) : createServer(take);
    this.#server.on('tlsClientError', () => undefined);
  }

  static async start(behaviour: Behaviour = {}, isSecure = false, port = 0): Promise<FakeOrigin> {
    const origin = new FakeOrigin(behaviour, isSecure);
    await new Promise<void>((resolve) => {
      origin.#server.listen(port, '127.0.0.1', resolve);
    });
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `127.0.0.1:port`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The newest connection. */
  get last(): OriginConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('nobody connected');
    return connection;
  }

  /** Resolves when the condition holds, which is looked at whenever something came. */
  until(what: string, holds: () => boolean): Promise<void> {
    return this.#waits.until(what, holds);
  }

  /** Ends all connections, and takes no more. */
  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    this.#waits.close('the origin was closed');
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }
}
