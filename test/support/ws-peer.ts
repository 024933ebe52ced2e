/** Owns a player of a running server that is connected by WebSocket. */
import { WebSocket } from 'ws';

import { FlvHearing } from './flv-hearing';
import { Waits } from './waits';

/** One WebSocket, plain or TLS. */
export class WsPeer {
  readonly socket: WebSocket;
  readonly flv = new FlvHearing();
  /** All messages, when they are not of FLV. */
  readonly media: Buffer[] = [];
  /** The code of its close. */
  readonly closed: Promise<number>;
  readonly #waits = new Waits(() => `${this.media.length} messages`);

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      const bytes = data as Buffer;
      if (this.media.length > 0 || bytes[0] === 0x47) this.media.push(bytes);
      else this.flv.push(bytes);
      this.#waits.look();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code) => {
        this.flv.close();
        this.#waits.close('the connection was closed');
        resolve(code);
      });
    });
  }

  /** Connects to a path; with `ca` by TLS. Rejects with the status of the answer when it is no upgrade. */
  static async open(port: number, path: string, ca?: Buffer): Promise<WsPeer> {
    const url = `${ca ? 'wss' : 'ws'}://localhost:${port}${path}`;
    const socket = new WebSocket(url, {
      ...(ca ? { ca } : {}),
      family: 4,
      perMessageDeflate: false,
    });
    const peer = new WsPeer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve).once('error', reject);
    });
    return peer;
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    await this.#waits.until(what, holds);
  }
}
