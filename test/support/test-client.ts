/** An RTMP client of a server that runs on a FakeSocket: sends real bytes, reads the replies. */
import type { AmfObject } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import { ChunkWriter } from '../../src/rtmp/chunk-writer';
import { MessageType } from '../../src/rtmp/message';
import type { OutgoingMessage } from '../../src/rtmp/message';
import type { Packet } from '../../src/rtmp/packet-codec';
import { encodeConnect } from '../../src/rtmp/packets/connect';
import type { ConnectOptions } from '../../src/rtmp/packets/connect';
import { encodePlay } from '../../src/rtmp/packets/play';
import { encodePublish } from '../../src/rtmp/packets/publish';
import { statusOf } from '../../src/rtmp/packets/status';
import { encodeCreateStream, encodeFmle } from '../../src/rtmp/packets/stream';
import { Protocol } from '../../src/rtmp/protocol';

import { FakeSocket } from './fakes/fake-socket';

const HANDSHAKE_BYTES = 1 + 1536 + 1536;

export class TestClient {
  readonly socket = new FakeSocket();
  /** Commands the server sent: status code, or `name` of another. */
  readonly replies: string[] = [];
  readonly #writer: ChunkWriter;
  #read = 0;
  readonly #protocol: Protocol;

  constructor() {
    const transport = {
      write: (data: Uint8Array): void => {
        this.socket.receive(Buffer.from(data));
      },
      end: (): void => undefined,
      destroy: (): void => undefined,
      bytesReceived: 0,
      bytesSent: 0,
    };
    const silent = { ...transport, write: (): void => undefined };
    this.#writer = new ChunkWriter(transport);
    this.#protocol = new Protocol(silent, {
      onPacket: (packet) => {
        this.replies.push(summary(packet));
      },
      onMessage: () => undefined,
      onUndecodable: (error) => {
        throw error;
      },
    });
  }

  /** Simple handshake, both client parts at once. */
  handshake(): void {
    this.socket.receive(Buffer.concat([Buffer.from([3]), Buffer.alloc(1536), Buffer.alloc(1536)]));
  }

  connect(options: Partial<ConnectOptions> = {}): void {
    this.handshake();
    this.send(encodeConnect({ app: 'live', tcUrl: 'rtmp://host/live', ...options }));
  }

  play(stream = 's', durationMs?: number): void {
    this.connect();
    this.send(encodeCreateStream(2));
    this.send(encodePlay(1, stream, durationMs));
  }

  publish(stream = 's'): void {
    this.connect();
    this.publishAgain(stream);
  }

  /** As ffmpeg does it, on a connection that has connected. */
  publishAgain(stream = 's'): void {
    this.send(encodeFmle('releaseStream', 2, stream));
    this.send(encodeFmle('FCPublish', 3, stream));
    this.send(encodeCreateStream(4));
    this.send(encodePublish(1, stream));
  }

  send(message: OutgoingMessage): void {
    this.#writer.write(message, message.payload);
  }

  sendMedia(type: number, timestamp: number, payload: Buffer): void {
    this.#writer.write({ type, timestamp, streamId: 1, chunkStreamId: 6 }, payload);
  }

  sendMetadata(metadata: AmfObject): void {
    const payload = encodeAmf0('@setDataFrame', 'onMetaData', metadata);
    this.sendMedia(MessageType.dataAmf0, 0, payload);
  }

  /** Reads what the server has sent so far; the replies since the last call. */
  takeReplies(): string[] {
    const bytes = Buffer.concat(this.socket.written);
    const start = Math.max(this.#read, HANDSHAKE_BYTES);
    if (bytes.length > start) this.#protocol.push(bytes, start, bytes.length);
    this.#read = bytes.length;
    return this.replies.splice(0);
  }
}

function summary(packet: Packet): string {
  switch (packet.kind) {
    case 'status':
      return packet.name === 'onStatus' ? packet.code : `${packet.name} ${packet.code}`;
    case 'response':
      return `${packet.command.name} ${statusOf(packet.command).code}`.trim();
    case 'call':
      return packet.command.name;
    default:
      return packet.kind;
  }
}
