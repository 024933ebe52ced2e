/** Owns an encoder that sends one stream, with one clock, to several servers: to each from when it is told to. */
import type { FlvTag } from '../../../src/media/flv';

import { Client } from './client';
import { isKeyTag, mediaOf } from './media';
import { source } from './sources';

const TICK_MS = 20;
/** Bodies of configurations are short, and their second byte is 0. */
const CONFIGURATION = 0;
/** Longer than any test. */
const SECONDS = 90;

/** Sends in real time until it is stopped. */
export class Encoder {
  /** All that was or will be sent, by the clock. */
  readonly tags: readonly FlvTag[];
  readonly #headers: readonly FlvTag[];
  /** By port. */
  readonly #clients = new Map<number, Client>();
  readonly #beganMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  private constructor(tags: readonly FlvTag[]) {
    this.#headers = tags.filter(isConfiguration);
    this.tags = tags.filter((tag) => !isConfiguration(tag));
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK_MS);
  }

  /** One whose clock shows this now. */
  static async start(firstMs: number): Promise<Encoder> {
    const tags = mediaOf(await source('h264-aac.flv', SECONDS));
    return new Encoder(tags.map((tag) => ({ ...tag, timestamp: tag.timestamp + firstMs })));
  }

  /** Pictures in the order they are sent. */
  get pictures(): readonly FlvTag[] {
    return this.tags.filter(({ type }) => type === 9);
  }

  /** When a key frame is due, by the clock. */
  get keyTimes(): number[] {
    return this.tags.filter(isKeyTag).map(({ timestamp }) => timestamp);
  }

  /** A server gets all from now on, until it is gone. */
  async sendTo(port: number, stream: string): Promise<void> {
    const client = await Client.publish(port, stream);
    const timestamp = this.tags[this.#sent]?.timestamp ?? 0;
    client.send(this.#headers.map((tag) => ({ ...tag, timestamp })));
    this.#clients.set(port, client);
  }

  /** A server gets nothing more. */
  leave(port: number): void {
    this.#clients.get(port)?.destroy();
    this.#clients.delete(port);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const client of this.#clients.values()) client.close();
  }

  #tick(): void {
    const dueMs = (this.tags[0]?.timestamp ?? 0) + performance.now() - this.#beganMs;
    const from = this.#sent;
    while ((this.tags[this.#sent]?.timestamp ?? Infinity) <= dueMs) this.#sent++;
    const due = this.tags.slice(from, this.#sent);
    for (const [port, client] of this.#clients) {
      if (client.isClosed) this.#clients.delete(port);
      else client.send(due);
    }
  }
}

function isConfiguration({ payload }: FlvTag): boolean {
  return payload[1] === CONFIGURATION;
}
