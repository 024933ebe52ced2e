/** Servers that one encoder sends to, each from when it joins until it leaves. */
import type { HlsOptions } from '../../../../src/app/hls/options';
import type { StreamSink } from '../../../../src/app/stream/sink';
import type { FlvTag } from '../../../../src/media/flv';

import { Harness, hlsOptions, settled } from './harness';

const PLAYLIST = '/live/show.m3u8';

/** One server. */
export class AlignedServer {
  readonly hls = new Harness();
  readonly #options: HlsOptions;
  #sink: StreamSink;

  constructor(changes: Partial<HlsOptions> = {}) {
    this.#options = hlsOptions({ storage: 'ram', ...changes });
    this.#sink = this.hls.sink(this.#options);
  }

  /** From now on the encoder sends here; its clock shows `ms` at the beginning of the year and so long after. */
  async publish(atMs: number, isAbsolute = true): Promise<void> {
    this.hls.nowMs = atMs;
    this.hls.publish(this.#sink, undefined, isAbsolute);
    await this.hls.service.settle();
    await settled();
  }

  /** What the encoder sends within this time; the headers first when it has just begun to send here. */
  send(tags: readonly FlvTag[], fromMs = -Infinity, toMs = Infinity): void {
    const headers = tags.slice(0, 2).map((tag) => ({ ...tag, timestamp: Math.max(fromMs, tag.timestamp) })); // prettier-ignore
    const within = tags.slice(2).filter(({ timestamp }) => timestamp >= fromMs && timestamp < toMs);
    this.hls.send(this.#sink, [...headers, ...within]);
  }

  /** Joins the encoder at a time and gets what follows. */
  async join(tags: readonly FlvTag[], fromMs = 0, toMs = Infinity): Promise<void> {
    await this.publish(Math.max(fromMs, tags[0]?.timestamp ?? 0));
    this.send(tags, fromMs, toMs);
  }

  setAbsolute(isAbsolute: boolean): void {
    this.#sink.onAbsolute?.(isAbsolute);
  }

  leave(): void {
    this.#sink.onUnpublish();
  }

  /** Status of the playlist. */
  get status(): number {
    const answer = this.hls.get(PLAYLIST);
    return answer.isOurs ? answer.status : 404;
  }

  get list(): string {
    return this.hls.get(PLAYLIST).text;
  }

  /** The lines behind the head. */
  get entries(): string[] {
    return this.list.split('\n').slice(4, -1);
  }

  get sequence(): number {
    return Number(/MEDIA-SEQUENCE:(\d+)/.exec(this.list)?.[1]);
  }

  /** What is listed, with parts and initialisation sections, by name; gaps have nothing. */
  get files(): Map<string, Buffer> {
    const names = [...this.list.matchAll(/URI="([^"]+)"|^([^#\n]+)$/gm)].map((match) => match[1] ?? match[2] ?? ''); // prettier-ignore
    return new Map(names.map((name) => [name, this.hls.get(`/live/${name}`).body]));
  }

  async stop(): Promise<void> {
    await this.hls.service.stop();
  }
}
