/** Owns an RTMP client of our own on a plain socket, for what other people's programs cannot do. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import type { FlvTag } from '../../../src/media/flv';
import type { AmfObject } from '../../../src/rtmp/amf0-value';
import { ClientSession } from '../../../src/rtmp/client-session';
import type { ClientSessionHandler } from '../../../src/rtmp/client-session';
import type { MessageHeader } from '../../../src/rtmp/message';
import type { ConnectInfo } from '../../../src/rtmp/packets/connect';
import type { StatusPacket } from '../../../src/rtmp/packets/status';

/** A wait that takes longer fails the test. */
const WAIT_LIMIT_MS = 30_000;
const SCRIPT = 18;

interface Waiter {
  readonly holds: () => boolean;
  readonly resolve: () => void;
}

/** Publishes or plays one stream, and keeps all it gets. */
export class Client implements ClientSessionHandler {
  /** Audio and video received. */
  readonly tags: FlvTag[] = [];
  /** Status codes received. */
  readonly statuses: string[] = [];
  info: ConnectInfo | undefined;
  metadata: AmfObject | undefined;
  isClosed = false;
  readonly #socket: Socket;
  readonly #session: ClientSession;
  #isGranted = false;
  #waiters: Waiter[] = [];

  private constructor(port: number) {
    const socket = connect(port, '127.0.0.1');
    this.#socket = socket;
    const transport = {
      write: (data: Uint8Array): void => {
        socket.write(data);
      },
      end: (): void => {
        socket.end();
      },
      destroy: (): void => {
        socket.destroy();
      },
      get bytesReceived(): number {
        return socket.bytesRead;
      },
      get bytesSent(): number {
        return socket.bytesWritten;
      },
    };
    const tcUrl = `rtmp://127.0.0.1:${port}/live`;
    this.#session = new ClientSession(transport, this, { app: 'live', tcUrl });
    socket.on('connect', () => {
      this.#session.start();
    });
    socket.on('data', (bytes) => {
      this.#session.push(bytes, 0, bytes.length);
      this.#wake();
    });
    // A reset is an end, too.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  /** Plays a stream of the app `live`; resolves when the server has granted it. */
  static async play(port: number, stream: string): Promise<Client> {
    const client = new Client(port);
    await client.until('connected', () => client.info !== undefined);
    client.#session.play(stream);
    await client.until('playing', () => client.#isGranted);
    return client;
  }

  /** Publishes a stream of the app `live`; resolves when the server has granted it. */
  static async publish(port: number, stream: string): Promise<Client> {
    const client = new Client(port);
    await client.until('connected', () => client.info !== undefined);
    client.#session.publish(stream);
    await client.until('publishing', () => client.#isGranted);
    return client;
  }

  /** Publishes a stream of the app `live` and is refused; resolves with what the server says. */
  static async refusal(port: number, stream: string): Promise<string> {
    const client = new Client(port);
    await client.until('connected', () => client.info !== undefined);
    client.#session.publish(stream);
    await client.until('a refusal', () => client.#isGranted || client.statuses.length > 0);
    client.close();
    return client.statuses.join();
  }

  /** Sends tags as they come from a file. */
  send(tags: readonly FlvTag[]): void {
    for (const { type, timestamp, payload } of tags) {
      if (type !== SCRIPT) this.#session.sendMedia(type, timestamp, payload);
    }
  }

  /** Pauses or continues; resolves when the server has confirmed it. */
  async setPaused(isPaused: boolean): Promise<void> {
    const code = isPaused ? 'NetStream.Pause.Notify' : 'NetStream.Unpause.Notify';
    const before = this.#countStatus(code);
    this.#session.setPaused(isPaused);
    await this.until(code, () => this.#countStatus(code) > before);
  }

  /** Resolves when so many audio and video messages have come. */
  receives(count: number): Promise<void> {
    return this.until(`${count} messages`, () => this.tags.length >= count);
  }

  /** Resolves once the condition holds after something was received. */
  async until(what: string, holds: () => boolean): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#waiters.push({ holds, resolve });
      timer = setTimeout(() => {
        const got = `${this.tags.length} messages, status ${this.statuses.join()}`;
        reject(new Error(`${what}: not within ${WAIT_LIMIT_MS} ms, got ${got}`));
      }, WAIT_LIMIT_MS);
      this.#wake();
    });
    clearTimeout(timer);
  }

  /** Leaves in good order. */
  close(): void {
    this.#session.close();
  }

  /** Is gone without a word. */
  destroy(): void {
    this.#socket.resetAndDestroy();
  }

  onConnected(info: ConnectInfo): void {
    this.info = info;
  }
  onPublishing(): void {
    this.#isGranted = true;
  }
  onPlaying(): void {
    this.#isGranted = true;
  }
  onStatus(status: StatusPacket): void {
    this.statuses.push(status.code);
  }
  onError(error: Error): void {
    this.statuses.push(error.message);
  }
  onMedia({ type, timestamp }: MessageHeader, bytes: Uint8Array, start: number, end: number): void {
    this.tags.push({ type, timestamp, payload: Buffer.from(bytes.subarray(start, end)) });
  }
  onMetadata(_header: MessageHeader, _name: string, value: AmfObject): void {
    this.metadata = value;
  }
  onDataMessage(): void {
    // `|RtmpSampleAccess` and its like.
  }

  #countStatus(code: string): number {
    return this.statuses.filter((one) => one === code).length;
  }

  #wake(): void {
    const met = this.#waiters.filter(({ holds }) => holds());
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve();
  }
}
