import assert from 'node:assert/strict';

import { RamIndex } from '../../../../src/app/hls/ram-index';
import { RamTarget } from '../../../../src/app/hls/ram-target';
import { SegmentNames } from '../../../../src/app/hls/segment-names';
import { RecordingLogger } from '../../../support/fakes/recording-logger';

import { hlsOptions, startEpochMs, streamName } from './harness';

describe('app/hls/ram-target', () => {
  it('holds no more bytes than it may, and says once that its list is shorter', () => {
    const log = new RecordingLogger();
    const options = hlsOptions({ windowMs: 60_000 });
    const names = new SegmentNames(streamName, options, () => true);
    const index = new RamIndex();
    const parts = {
      ...{ names, options, clock: { nowMs: () => 0 }, log: { current: log }, version: 3 },
      tracks: { video: undefined, audio: undefined },
      onListed: () => undefined,
    };
    const target = new RamTarget(parts, index, undefined, 0, 10_000);
    for (let sequence = 0; sequence < 20; sequence++) {
      const file = names.segment(sequence, startEpochMs);
      const start = { sequence, isDiscontinuity: false, startEpochMs, file };
      target.open({ ...start, init: undefined, key: undefined });
      target.write(Buffer.alloc(1000));
      target.write(Buffer.alloc(2000));
      target.close(2000);
      assert.ok(target.bytes <= 10_000);
    }
    assert.equal(target.bytes, 9000);
    assert.equal(index.size, 4);
    assert.equal(log.matching('keeps fewer segments').length, 1);
    target.dispose();
    assert.equal(target.bytes, 0);
    assert.equal(index.size, 0);
    assert.equal(target.isBusy, false);
  });
});
