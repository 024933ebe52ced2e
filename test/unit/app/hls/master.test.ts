import assert from 'node:assert/strict';

import { MasterPlaylist } from '../../../../src/app/hls/master';
import type { ListedSegment } from '../../../../src/app/hls/segment';
import type { AudioTrack } from '../../../../src/media/track';
import { records } from '../../../support/media';

const audio: AudioTrack = {
  ...{ kind: 'audio', codec: 'mp4a', record: records.aac },
  ...{ sampleRate: 44_100, channels: 2, samplesPerFrame: 1024 },
};
const tracks = { video: undefined, audio };

function segment(bytes: number, durationMs = 1000): ListedSegment {
  return {
    ...{ sequence: 0, uri: '', durationMs, isDiscontinuity: false, bytes },
    startEpochMs: undefined,
    mapUri: undefined,
    key: undefined,
  };
}

function bandwidths(master: MasterPlaylist): string | undefined {
  return /BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+/.exec(master.text ?? '')?.[0];
}

describe('app/hls/master', () => {
  it('states the peak, the average and the codecs', () => {
    const master = new MasterPlaylist('show.m3u8', 3);
    assert.equal(master.update([], tracks), false);
    assert.equal(master.text, undefined);
    assert.equal(
      master.update([segment(10_000), segment(12_000), segment(9000, 100)], tracks),
      true,
    );
    assert.deepEqual((master.text as string | undefined)?.split('\n'), [
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-STREAM-INF:BANDWIDTH=96000,AVERAGE-BANDWIDTH=96000,CODECS="mp4a.40.2"',
      'show.m3u8',
      '',
    ]);
  });

  it('changes when the rate does so noticeably, and is never below the peak', () => {
    const master = new MasterPlaylist('show.m3u8', 3);
    const steps: [bytes: number, expected: string][] = [
      [10_100, 'BANDWIDTH=81000,AVERAGE-BANDWIDTH=80800'],
      [10_120, 'BANDWIDTH=81000,AVERAGE-BANDWIDTH=80800'],
      [10_200, 'BANDWIDTH=82000,AVERAGE-BANDWIDTH=80800'],
      [9000, 'BANDWIDTH=82000,AVERAGE-BANDWIDTH=72000'],
      [5000, 'BANDWIDTH=40000,AVERAGE-BANDWIDTH=40000'],
    ];
    for (const [bytes, expected] of steps) {
      master.update([segment(bytes)], tracks);
      assert.equal(bandwidths(master), expected);
    }
    assert.equal(master.update([segment(5000)], tracks), false);
  });
});
