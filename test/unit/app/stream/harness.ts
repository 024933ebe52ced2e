/** A source over a fake log, and who publishes it. */
import assert from 'node:assert/strict';

import { Source } from '../../../../src/app/stream/source';
import type { Publisher, SourceOptions } from '../../../../src/app/stream/source';
import type { SrsError } from '../../../../src/core/errors';
import { FakeStreamLog } from '../../../support/fakes/fake-stream-log';
import { RecordingLogger } from '../../../support/fakes/recording-logger';

export const AUDIO = 8;
export const VIDEO = 9;
export const name = { vhost: 'v', app: 'live', stream: 's' };
export const defaults: SourceOptions = {
  log: { chunkSize: 60000, queueMs: 30000, gopCache: true, gopCacheMaxBytes: 1e6, absolute: false },
  jitter: 'full',
  atc: false,
  atcAuto: true,
  reduceSequenceHeader: true,
};

export class FakePublisher implements Publisher {
  readonly contextId: number;
  readonly log: RecordingLogger;
  lastReceivedMs = 0;
  replacedBy: number[] = [];
  readonly dropped: string[] = [];

  constructor(contextId: number) {
    this.contextId = contextId;
    this.log = new RecordingLogger(contextId);
  }

  drop(error: SrsError): void {
    this.dropped.push(error.message);
  }

  onReplaced(byId: number): void {
    this.replacedBy.push(byId);
  }
}

export function createSource(changes: Partial<SourceOptions> = {}): {
  source: Source;
  log: FakeStreamLog;
} {
  let log: FakeStreamLog | undefined;
  const source = new Source(name, { ...defaults, ...changes }, (options) => {
    log = new FakeStreamLog(options);
    return log;
  });
  assert.ok(log);
  return { source, log };
}

export function send(source: Source, type: number, timestamp: number, body: Buffer): void {
  // As it comes from a socket: somewhere inside a larger slab.
  const slab = Buffer.concat([Buffer.alloc(3), body, Buffer.alloc(5)]);
  source.media(type, timestamp, slab, 3, 3 + body.length);
}
