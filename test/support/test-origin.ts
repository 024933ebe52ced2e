/** Owns a server as a registry sees it: streams that begin and end to be published, without any media. */
import { OriginRegistry } from '../../src/app/registry/origin-registry';
import type { RegistryOptions } from '../../src/app/registry/origin-registry';
import { Source } from '../../src/app/stream/source';
import type { Publisher } from '../../src/app/stream/source';
import { systemClock } from '../../src/core/clock';

import { FakeStreamLog } from './fakes/fake-stream-log';
import { RecordingLogger } from './fakes/recording-logger';
import { eventually } from './waits';

const SOURCE_OPTIONS = {
  log: { chunkSize: 60000, queueMs: 30000, gopCache: true, gopCacheMaxBytes: 1e6, absolute: false },
  jitter: 'full',
  atc: false,
  atcAuto: false,
  reduceSequenceHeader: false,
} as const;

/** The name of a stream of these tests. */
export function streamName(stream: string): Source['name'] {
  return { vhost: 'v', app: 'live', stream };
}

export class TestOrigin {
  readonly log = new RecordingLogger();
  readonly registry: OriginRegistry;
  readonly address: string;
  readonly #sources = new Map<string, Source>();

  constructor(url: string, address: string, more: Partial<RegistryOptions> = {}) {
    this.address = address;
    const options = { url, leaseMs: 3000, announce: address, ...more };
    this.registry = new OriginRegistry({ log: this.log, clock: systemClock }, options);
  }

  publish(...streams: string[]): void {
    for (const stream of streams) {
      const name = streamName(stream);
      const source = new Source(name, SOURCE_OPTIONS, (options) => new FakeStreamLog(options));
      this.#sources.set(stream, source);
      this.registry.apply(source, { mode: 'local' });
      const publisher: Publisher = {
        contextId: 1,
        log: this.log,
        lastReceivedMs: 0,
        onReplaced: () => undefined,
        drop: () => undefined,
      };
      source.acquire(publisher);
    }
  }

  unpublish(stream: string): void {
    const source = this.#sources.get(stream);
    if (source?.publisher) source.release(source.publisher);
  }

  find(stream: string): Promise<readonly string[]> {
    return this.registry.find(streamName(stream));
  }

  /** Resolves when it is connected, and Redis has all its streams. */
  async settled(): Promise<void> {
    await eventually('the registry', () => {
      const { isConnected, published, announced } = this.registry.status();
      return isConnected && published === announced;
    });
  }

  /** What was said to the log about the registry. */
  get lines(): string[] {
    return this.log.matching('registry');
  }
}
