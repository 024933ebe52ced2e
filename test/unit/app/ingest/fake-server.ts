/** An RTMP server in memory: the real session behind a wire that delivers in microtasks, and keeps what it was sent. */
import type {
  Connect,
  IngestSocket,
  IngestSocketHandler,
} from '../../../../src/app/ingest/flv-publication';
import type { AmfObject } from '../../../../src/rtmp/amf0-value';
import type { MessageHeader } from '../../../../src/rtmp/message';
import type { RtmpRequest } from '../../../../src/rtmp/request';
import { ServerSession } from '../../../../src/rtmp/server-session';
import type { Transport } from '../../../../src/rtmp/transport';

/** How the server answers. */
export type Behaviour = 'accept' | 'busy' | 'silent' | 'unreachable' | 'garbage';

export interface ReceivedMedia {
  type: number;
  timestamp: number;
  payload: Buffer;
}

/** One connection that an ingester made. */
export class FakeConnection {
  readonly media: ReceivedMedia[] = [];
  readonly metadata: string[] = [];
  request: RtmpRequest | undefined;
  isUnpublished = false;
  isEnded = false;
  /** What the client sees as not yet sent. */
  pendingBytes = 0;
  readonly #client: IngestSocketHandler;
  readonly #session: ServerSession;

  constructor(client: IngestSocketHandler, behaviour: Behaviour) {
    this.#client = client;
    this.#session = this.#createSession(behaviour);
  }

  /** The client's side of the wire. */
  get socket(): IngestSocket {
    const pending = (): number => this.pendingBytes;
    return {
      ...this.#transport((bytes) => {
        if (!this.isEnded) this.#session.push(bytes, 0, bytes.length);
      }),
      get pendingBytes(): number {
        return pending();
      },
    };
  }

  /** The server closes the connection. */
  drop(errno = 0): void {
    this.isEnded = true;
    this.#client.onClose(errno);
  }

  /** Timestamps of the frames (no sequence headers) of a type. */
  times(type: number): number[] {
    const frames = this.media.filter(
      (message) => message.type === type && message.payload[1] === 1,
    );
    return frames.map((message) => message.timestamp);
  }

  /** The texts of the frames received: v0, a0, ... */
  get texts(): string[] {
    return this.media.map(
      ({ payload }) => /[va]\d+/.exec(payload.toString('latin1'))?.[0] ?? 'header',
    );
  }

  #transport(deliver: (bytes: Buffer) => void): Transport {
    const end = (): void => {
      void Promise.resolve().then(() => {
        this.isEnded = true;
      });
    };
    const write = (data: Uint8Array): void => {
      const bytes = Buffer.from(data);
      void Promise.resolve().then(() => {
        deliver(bytes);
      });
    };
    return { write, end, destroy: end, bytesReceived: 0, bytesSent: 0 };
  }

  #createSession(behaviour: Behaviour): ServerSession {
    const transport = this.#transport((bytes) => {
      const noise = behaviour === 'garbage' ? Buffer.alloc(4096, 0xee) : bytes;
      if (!this.isEnded) this.#client.onData(noise, 0, noise.length);
    });
    const ignore = (): void => undefined;
    return new ServerSession(transport, {
      onConnect: (request) => {
        this.request = request;
        if (behaviour !== 'silent')
          this.#session.acceptConnect({ serverIp: '127.0.0.1', pid: 1, contextId: 100 });
      },
      onPublish: (request) => {
        this.request = request;
        if (behaviour === 'accept') this.#session.acceptPublish();
        else this.#session.rejectPublish('NetStream.Publish.BadName', 'stream busy');
      },
      onMedia: (header: MessageHeader, payload: Uint8Array, start: number, end: number) => {
        const { type, timestamp } = header;
        this.media.push({ type, timestamp, payload: Buffer.from(payload.subarray(start, end)) });
      },
      onMetadata: (_header: MessageHeader, name: string, value: AmfObject) => {
        this.metadata.push(`${name} ${value.number('width') ?? 0}x${value.number('height') ?? 0}`);
      },
      onUnpublish: () => {
        this.isUnpublished = true;
      },
      onPlay: ignore,
      onDataMessage: ignore,
      onPause: ignore,
      onPlayClosed: ignore,
    });
  }
}

/** Accepts connections and hands out what was connected. */
export class FakeServer {
  behaviour: Behaviour = 'accept';
  readonly connections: FakeConnection[] = [];
  readonly addresses: string[] = [];

  readonly connect: Connect = (address, port, _timeoutMs, handler) => {
    this.addresses.push(`${address}:${port}`);
    const connection = new FakeConnection(handler, this.behaviour);
    this.connections.push(connection);
    const isReachable = this.behaviour !== 'unreachable';
    void Promise.resolve().then(() => {
      if (isReachable) handler.onConnect();
      else handler.onClose(111);
    });
    return connection.socket;
  };

  get last(): FakeConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('nobody connected');
    return connection;
  }
}
