/** Owns a client of a running server: a socket, plain or TLS, that speaks RTMP word by word, and keeps what it hears. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { AmfValue } from '../../src/rtmp/amf0-value';
import { AmfObject } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import { ChunkReader } from '../../src/rtmp/chunk-reader';
import { ChunkWriter } from '../../src/rtmp/chunk-writer';
import { ClientHandshake } from '../../src/rtmp/handshake';
import type { MessageHeader } from '../../src/rtmp/message';

import { plainValues } from './rtmp-peer';

/** A message with bytes of its own. */
export interface Message extends MessageHeader {
  readonly payload: Buffer;
}

/** What a status or reply says. */
export interface Status {
  readonly level: string;
  readonly code: string;
  readonly description: string;
}

interface Waiting {
  readonly look: () => boolean;
  readonly fail: (reason: string) => void;
}

/** Nothing here takes so long: a wait that does has failed, and says for what it was. */
const PATIENCE_MS = 20_000;
const PLAY_DATA = new Set(['|RtmpSampleAccess', 'onStatus']);

/** How to introduce oneself as a publisher. */
export type PublishStyle = 'fmle' | 'shuffled' | 'flash' | 'haivision';

/** What each kind of publisher says before `publish`, waiting for each answer. */
const PUBLISH_STEPS: Readonly<Record<PublishStyle, readonly string[]>> = {
  fmle: ['releaseStream', 'FCPublish', 'createStream'],
  shuffled: ['FCPublish', 'createStream'],
  flash: ['createStream'],
  haivision: ['createStream', 'FCPublish'],
};

/** One connection. What it hears is read in order: each wait goes on where the last one ended. */
export class LivePeer {
  readonly socket: Socket;
  /** Every message of the server so far. */
  readonly received: Message[] = [];
  readonly closed: Promise<void>;
  readonly #writer: ChunkWriter;
  readonly #reader: ChunkReader;
  readonly #port: number;
  #handshake: ClientHandshake | undefined;
  #waiting: Waiting[] = [];
  #read = 0;
  #transaction = 1;
  #isClosed = false;
  /** Before a handshake of ours the answers to whatever was sent are not looked at. */
  #hasBegun = false;

  private constructor(socket: Socket, port: number) {
    this.socket = socket;
    this.#port = port;
    this.#writer = new ChunkWriter({
      write: (data) => {
        socket.write(Buffer.from(data));
      },
      end: () => undefined,
      destroy: () => undefined,
      bytesReceived: 0,
      bytesSent: 0,
    });
    this.#reader = new ChunkReader({
      onMessage: (header, payload, start, end) => {
        this.#keep(header, Buffer.from(payload.subarray(start, end)));
      },
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        resolve();
        for (const { fail } of this.#waiting.splice(0)) fail('the connection was closed');
      });
    });
    socket.on('data', (data: Buffer) => {
      this.#take(data);
    });
    // A reset is a close like any other here.
    socket.on('error', () => undefined);
  }

  /** A TCP connection; nothing is said yet. */
  static async open(port: number, host = '127.0.0.1'): Promise<LivePeer> {
    const socket = connect(port, host).setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    return new LivePeer(socket, port);
  }

  /** A TLS connection with a server whose certificate is `ca`; nothing is said in it yet. */
  static async openSecure(port: number, ca: Buffer): Promise<LivePeer> {
    const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca });
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve).once('error', reject);
    });
    return new LivePeer(socket, port);
  }

  /** Shakes hands as Flash does, or in the simple way. */
  async handshake(kind: 'complex' | 'simple' = 'complex'): Promise<this> {
    const handshake = new ClientHandshake((bytes) => {
      this.socket.write(bytes);
    }, kind);
    this.#handshake = handshake;
    this.#hasBegun = true;
    handshake.start();
    await this.#until('the handshake', () => handshake.done);
    return this;
  }

  /** Sends `connect` and returns the answer's info, of `_result` and `_error` alike. */
  async connect(more: Record<string, AmfValue> = {}): Promise<Status & Record<string, unknown>> {
    const tcUrl = `rtmp://127.0.0.1:${this.#port}/live`;
    this.command(0, 'connect', 1, AmfObject.of({ app: 'live', tcUrl, ...more }));
    const reply = await this.reply(1);
    return reply[3] as Status & Record<string, unknown>;
  }

  /** Publishes, on a connection that has connected. */
  async publish(stream: string, style: PublishStyle = 'fmle'): Promise<Status> {
    for (const name of PUBLISH_STEPS[style]) {
      const values = name === 'createStream' ? [null] : [null, stream];
      this.command(0, name, this.#next(), ...values);
      await this.reply(this.#transaction);
    }
    this.command(1, 'publish', 0, null, stream, 'live');
    return this.status();
  }

  /** Plays; resolves when media may follow. */
  async play(stream: string, durationMs = -1): Promise<void> {
    this.command(0, 'createStream', this.#next(), null);
    await this.reply(this.#transaction);
    this.command(1, 'play', 0, null, stream, -2, durationMs);
    await this.next('Data.Start', ({ type, payload }) => {
      return type === 18 && plainValues(payload)[0] === 'onStatus';
    });
  }

  command(streamId: number, ...values: AmfValue[]): void {
    this.message(20, 0, encodeAmf0(...values), { streamId, chunkStreamId: 3 });
  }

  /** Audio, video or data, on the stream; or any message with another route. */
  message(
    type: number,
    timestamp: number,
    payload: Uint8Array,
    route = { streamId: 1, chunkStreamId: type === 9 ? 6 : 4 },
  ): void {
    this.#writer.write({ type, timestamp, ...route }, payload);
  }

  /** Protocol control: types 1 to 6. */
  control(type: number, ...values: number[]): void {
    const payload = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => payload.writeUInt32BE(value >>> 0, index * 4));
    this.message(type, 0, payload, { streamId: 0, chunkStreamId: 2 });
  }

  /** Tells our chunk size, and uses it. */
  setChunkSize(size: number): void {
    this.control(1, size);
    this.#writer.chunkSize = size;
  }

  sendAll(messages: readonly Pick<Message, 'type' | 'timestamp' | 'payload'>[]): void {
    for (const { type, timestamp, payload } of messages) this.message(type, timestamp, payload);
  }

  /** Returns when the server has acted on everything sent so far. */
  async ping(): Promise<void> {
    const stamp = ++this.#transaction;
    const payload = Buffer.alloc(6);
    payload.writeUInt16BE(6, 0);
    payload.writeUInt32BE(stamp, 2);
    this.message(4, 0, payload, { streamId: 0, chunkStreamId: 2 });
    const pong = Buffer.from(payload);
    pong.writeUInt16BE(7, 0);
    const at = this.#read;
    await this.next('a pong', (message) => message.type === 4 && message.payload.equals(pong));
    this.#read = at;
  }

  /** The next message that fits; those before it are passed over. */
  async next(what: string, fits: (message: Message) => boolean): Promise<Message> {
    let found: Message | undefined;
    await this.#until(what, () => {
      while (this.#read < this.received.length && found === undefined) {
        const message = this.received[this.#read++];
        if (message && fits(message)) found = message;
      }
      return found !== undefined;
    });
    return found!;
  }

  /** The values of the reply to a transaction. */
  async reply(transaction: number): Promise<unknown[]> {
    let values: unknown[] = [];
    await this.next(`the reply to ${transaction}`, ({ type, payload }) => {
      if (type !== 20) return false;
      values = plainValues(payload);
      return ['_result', '_error'].includes(values[0] as string) && values[1] === transaction;
    });
    return values;
  }

  /** The next onStatus, or the next of that code. */
  async status(code?: string): Promise<Status> {
    let info: Status | undefined;
    await this.next(`status ${code ?? ''}`, ({ type, payload }) => {
      if (type !== 20) return false;
      const [name, , , value] = plainValues(payload);
      info = value as Status;
      return name === 'onStatus' && (code === undefined || info.code === code);
    });
    return info!;
  }

  /** The next messages of the stream. */
  async media(count: number): Promise<Message[]> {
    const messages: Message[] = [];
    while (messages.length < count) {
      messages.push(await this.next(`media ${messages.length} of ${count}`, isOfStream));
    }
    return messages;
  }

  /** Messages of the stream that have come and were not taken yet. */
  waiting(): Message[] {
    return this.received.slice(this.#read).filter(isOfStream);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  #next(): number {
    this.#transaction++;
    return this.#transaction;
  }

  #take(data: Buffer): void {
    if (!this.#hasBegun) return;
    let at = 0;
    if (this.#handshake) {
      at = this.#handshake.push(data, 0, data.length);
      if (this.#handshake.done) this.#handshake = undefined;
    }
    if (at < data.length) this.#reader.push(data, at, data.length);
    this.#waiting = this.#waiting.filter(({ look }) => !look());
  }

  #keep(header: MessageHeader, payload: Buffer): void {
    const { type, timestamp, streamId, chunkStreamId } = header;
    this.received.push({ type, timestamp, streamId, chunkStreamId, payload });
    if (type === 1) this.#reader.setChunkSize(payload.readUInt32BE(0));
  }

  #until(what: string, holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => {
        clearTimeout(timer);
        const heard = this.received.map(({ type, payload }) => `${type}:${payload.length}`);
        reject(new Error(`waited for ${what}, but ${reason}; heard ${heard.slice(-20).join(' ')}`));
      };
      const timer = setTimeout(fail, PATIENCE_MS, 'it did not come');
      const look = (): boolean => {
        const isMet = holds();
        if (isMet) {
          clearTimeout(timer);
          resolve();
        }
        return isMet;
      };
      if (this.#isClosed) fail('the connection is closed');
      else this.#waiting.push({ look, fail });
    });
  }
}

function isOfStream({ type, payload }: Message): boolean {
  if (type === 8 || type === 9) return true;
  return type === 18 && !PLAY_DATA.has(plainValues(payload)[0] as string);
}
