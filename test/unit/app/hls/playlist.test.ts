import assert from 'node:assert/strict';

import { mediaPlaylist } from '../../../../src/app/hls/playlist';
import { parsePlaylist } from '../../../../src/app/hls/playlist-parser';
import type { ListedSegment } from '../../../../src/app/hls/segment';

import { startEpochMs } from './harness';

function segment(sequence: number, changes: Partial<ListedSegment> = {}): ListedSegment {
  return {
    sequence,
    uri: `show-${sequence}.ts`,
    durationMs: 10_000,
    isDiscontinuity: false,
    startEpochMs: undefined,
    mapUri: undefined,
    key: undefined,
    bytes: 1000,
    ...changes,
  };
}

function text(segments: ListedSegment[], discontinuitySequence = 0, version = 3): string[] {
  const state = { version, targetDuration: 15, mediaSequence: 7, discontinuitySequence };
  return mediaPlaylist({ ...state, segments }).split('\n');
}

describe('app/hls/playlist', () => {
  it('lists TS segments with the tags of version 3 and no end', () => {
    assert.deepEqual(text([segment(7), segment(8, { durationMs: 9960 })]), [
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-TARGETDURATION:15',
      '#EXT-X-MEDIA-SEQUENCE:7',
      '#EXTINF:10.000,',
      'show-7.ts',
      '#EXTINF:9.960,',
      'show-8.ts',
      '',
    ]);
  });

  it('marks discontinuities and counts those that have left', () => {
    const lines = text([segment(7), segment(8, { isDiscontinuity: true })], 2);
    assert.deepEqual(lines.slice(3), [
      '#EXT-X-MEDIA-SEQUENCE:7',
      '#EXT-X-DISCONTINUITY-SEQUENCE:2',
      '#EXTINF:10.000,',
      'show-7.ts',
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:10.000,',
      'show-8.ts',
      '',
    ]);
  });

  it('writes the map of fMP4 when it changes, and times of day', () => {
    const at = (ms: number): Partial<ListedSegment> => ({ startEpochMs: startEpochMs + ms });
    const lines = text(
      [
        segment(7, { ...at(0), mapUri: 'show-7.mp4' }),
        segment(8, { ...at(10_000), mapUri: 'show-7.mp4' }),
        segment(9, { ...at(20_040), mapUri: 'show-9.mp4', isDiscontinuity: true }),
      ],
      0,
      7,
    );
    assert.deepEqual(lines.slice(4), [
      '#EXT-X-MAP:URI="show-7.mp4"',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z',
      '#EXTINF:10.000,',
      'show-7.ts',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:10.000Z',
      '#EXTINF:10.000,',
      'show-8.ts',
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-MAP:URI="show-9.mp4"',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:20.040Z',
      '#EXTINF:10.000,',
      'show-9.ts',
      '',
    ]);
  });

  it('writes keys where they change, and none over a map', () => {
    const key = (name: string): Partial<ListedSegment> => ({ key: `METHOD=AES-128,URI="${name}"` });
    const lines = text([
      segment(7, { ...key('1'), mapUri: 'a.mp4' }),
      segment(8, { ...key('1'), mapUri: 'a.mp4' }),
      segment(9, { ...key('2'), mapUri: 'b.mp4' }),
      segment(10, { mapUri: 'b.mp4' }),
    ]);
    const tags = lines.filter((line) => /KEY|MAP/.test(line));
    assert.deepEqual(tags, [
      '#EXT-X-MAP:URI="a.mp4"',
      '#EXT-X-KEY:METHOD=AES-128,URI="1"',
      '#EXT-X-KEY:METHOD=NONE',
      '#EXT-X-MAP:URI="b.mp4"',
      '#EXT-X-KEY:METHOD=AES-128,URI="2"',
      '#EXT-X-KEY:METHOD=NONE',
    ]);
  });

  it('lists what is missing as missing, and notes that numbers count slots', () => {
    const segments = [segment(7), { ...segment(8, { durationMs: 1 }), isGap: true as const }];
    const state = { version: 3, targetDuration: 15, mediaSequence: 7, discontinuitySequence: 0 };
    const written = mediaPlaylist({ ...state, segments, slotMs: 2000 });
    assert.deepEqual(written.split('\n').slice(3), [
      ...['#EXT-X-MEDIA-SEQUENCE:7', '#SLOT-MS:2000', '#EXTINF:10.000,', 'show-7.ts'],
      ...['#EXT-X-GAP', '#EXTINF:0.001,', 'show-8.ts', ''],
    ]);
    const read = parsePlaylist(written);
    assert.equal(read?.slotMs, 2000);
    assert.deepEqual(read.segments.map(({ isGap }) => isGap), [undefined, true]); // prettier-ignore
    assert.equal(parsePlaylist(mediaPlaylist({ ...state, segments }))?.slotMs, 0);
  });
});
