/** Owns an HTTP client of a running server that sends what it is told, byte by byte, and reads answers in order. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { FlvHearing } from './flv-hearing';
import { Waits } from './waits';

/** The head of an answer. */
export interface HttpHead {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** A whole answer. */
export interface HttpAnswer extends HttpHead {
  readonly body: Buffer;
}

/** What is sent besides the request line. */
export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const HEAD_END = '\r\n\r\n';
/** Answers that never have a body. */
const BODILESS = new Set([100, 204, 304]);

/** One connection, plain or TLS. */
export class HttpPeer {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  /** What a player of FLV hears, once `live` was called. */
  readonly flv = new FlvHearing();
  /** All bytes of a live body. */
  readonly media: Buffer[] = [];
  mediaBytes = 0;
  readonly #waits = new Waits(
    () => `${this.mediaBytes}B of media, "${this.#unread.toString('latin1', 0, 200)}"`,
  );
  #unread: Buffer = Buffer.alloc(0);
  #live: ((bytes: Buffer) => void) | undefined;
  #methods: string[] = [];
  #hasEnded = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      if (this.#live) this.#live(bytes);
      else this.#unread = Buffer.concat([this.#unread, bytes]);
      this.#waits.look();
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#waits.look();
    });
    // A reset is a close like any other here.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#hasEnded = true;
        this.#waits.close('the connection was closed');
        this.flv.close();
        resolve();
      });
    });
  }

  /** Connects; with `ca` by TLS, to a server that shows this certificate. `isHalfOpen`: stays open at the server's end. */
  static async open(port: number, ca?: Buffer, isHalfOpen = false): Promise<HttpPeer> {
    const to = { port, host: '127.0.0.1', allowHalfOpen: isHalfOpen };
    const socket = ca ? connectTls({ ...to, ca, servername: 'localhost' }) : connect(to);
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      socket.once(ca ? 'secureConnect' : 'connect', resolve).once('error', reject);
    });
    return new HttpPeer(socket);
  }

  /** Sends bytes as they are. */
  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Sends a request; `Content-Length` is that of the body. */
  ask(target: string, { method = 'GET', headers = {}, body = '' }: Asking = {}): void {
    const length = body.length > 0 ? { 'Content-Length': `${Buffer.byteLength(body)}` } : {};
    const lines = Object.entries({ Host: 'localhost', ...length, ...headers });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    this.#methods.push(method);
    this.send(`${method} ${target} HTTP/1.1\r\n${head}\r\n`);
    if (body.length > 0) this.send(body);
  }

  /** The whole answer to a request. */
  async get(target: string, asking?: Asking): Promise<HttpAnswer> {
    this.ask(target, asking);
    return this.answer();
  }

  /** The head of the next answer; what follows it is left where it is. */
  async head(): Promise<HttpHead> {
    await this.#waits.until('the head of an answer', () => this.#unread.includes(HEAD_END));
    const end = this.#unread.indexOf(HEAD_END);
    const [first = '', ...lines] = this.#take(end + HEAD_END.length)
      .toString('latin1', 0, end)
      .split('\r\n');
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    return { status: Number(first.split(' ')[1]), headers };
  }

  /** The next answer, with its body. */
  async answer(): Promise<HttpAnswer> {
    const head = await this.head();
    if (head.status >= 200 && this.#methods.shift() === 'HEAD') {
      return { ...head, body: Buffer.alloc(0) };
    }
    return { ...head, body: await this.#body(head) };
  }

  /** The head of an answer without end: from here on its body goes to `flv` when it is such, and to `media`. */
  async live(): Promise<HttpHead> {
    const head = await this.head();
    const isFlv = head.headers.get('content-type') === 'video/x-flv';
    const take = (bytes: Buffer): void => {
      if (isFlv) this.flv.push(bytes);
      else this.media.push(bytes);
      this.mediaBytes += bytes.length;
    };
    const isChunked = head.headers.get('transfer-encoding') === 'chunked';
    this.#live = isChunked ? unchunker(take) : take;
    this.#live(this.#take(this.#unread.length));
    return head;
  }

  /** Resolves when so many bytes of a live body, or what else is told, have come. */
  async until(what: string, holds: () => boolean): Promise<void> {
    await this.#waits.until(what, holds);
  }

  /** Resolves when the server has said that it will say no more. */
  async ended(): Promise<void> {
    await this.#waits.until('the end', () => this.#hasEnded);
  }

  /** What came and was not read. */
  get unread(): Buffer {
    return this.#unread;
  }

  async #body({ status, headers }: HttpHead): Promise<Buffer> {
    if (BODILESS.has(status)) return Buffer.alloc(0);
    const length = headers.get('content-length');
    if (length !== undefined) {
      const wanted = Number(length);
      await this.#waits.until(`${wanted} bytes`, () => this.#unread.length >= wanted);
      return this.#take(wanted);
    }
    if (headers.get('transfer-encoding') === 'chunked') return this.#chunks();
    await this.ended();
    return this.#take(this.#unread.length);
  }

  async #chunks(): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (;;) {
      await this.#waits.until('a chunk size', () => this.#unread.includes('\r\n'));
      const line = this.#unread.indexOf('\r\n');
      const size = parseInt(this.#take(line + 2).toString('latin1'), 16);
      await this.#waits.until('a chunk', () => this.#unread.length >= size + 2);
      parts.push(this.#take(size + 2).subarray(0, size));
      if (size === 0) return Buffer.concat(parts);
    }
  }

  #take(size: number): Buffer {
    const taken = this.#unread.subarray(0, size);
    this.#unread = this.#unread.subarray(size);
    return taken;
  }
}

/** Takes the chunked coding off a stream. */
function unchunker(take: (bytes: Buffer) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  /** Bytes to come of this chunk and its line end. */
  let left = 0;
  return (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    for (;;) {
      if (left === 0) {
        const line = rest.indexOf('\r\n');
        if (line < 0) return;
        left = parseInt(rest.toString('latin1', 0, line), 16) + 2;
        rest = rest.subarray(line + 2);
      }
      const media = Math.min(rest.length, left - 2);
      if (media > 0) {
        take(rest.subarray(0, media));
        rest = rest.subarray(media);
        left -= media;
      }
      if (left > 2 || rest.length < left) return;
      rest = rest.subarray(left);
      left = 0;
    }
  };
}
