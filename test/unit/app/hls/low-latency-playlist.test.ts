import assert from 'node:assert/strict';

import { lowLatencyPlaylist } from '../../../../src/app/hls/low-latency-playlist';
import type {
  ListedPart,
  LowLatencyPlaylist,
  SegmentWithParts,
} from '../../../../src/app/hls/low-latency-playlist';

import { startEpochMs } from './harness';

function parts(sequence: number, count: number): ListedPart[] {
  return Array.from({ length: count }, (_, index) => ({
    uri: `s${sequence}p${index}.m4s`,
    durationMs: 500,
    isIndependent: index === 0,
  }));
}

function segment(sequence: number): SegmentWithParts {
  return {
    sequence,
    uri: `s${sequence}.m4s`,
    durationMs: 1000,
    isDiscontinuity: false,
    startEpochMs: startEpochMs + sequence * 1000,
    mapUri: 'i.mp4',
    key: undefined,
    bytes: 1,
    parts: parts(sequence, 2),
  };
}

function playlist(count: number, changes: Partial<LowLatencyPlaylist> = {}): LowLatencyPlaylist {
  return {
    targetDuration: 1,
    mediaSequence: 0,
    discontinuitySequence: 0,
    segments: Array.from({ length: count }, (_, index) => segment(index)),
    open: { ...segment(count), parts: parts(count, 1) },
    hintUri: 'next.m4s',
    partMs: 500,
    ...changes,
  };
}

describe('app/hls/low-latency-playlist', () => {
  it('lists segments, parts of the last three target durations, and what comes next', () => {
    assert.deepEqual(lowLatencyPlaylist(playlist(3)).split('\n'), [
      '#EXTM3U',
      '#EXT-X-VERSION:9',
      '#EXT-X-TARGETDURATION:1',
      '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500,CAN-SKIP-UNTIL=6.000',
      '#EXT-X-PART-INF:PART-TARGET=0.500',
      '#EXT-X-MEDIA-SEQUENCE:0',
      '#EXT-X-MAP:URI="i.mp4"',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z',
      '#EXTINF:1.000,',
      's0.m4s',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:01.000Z',
      '#EXT-X-PART:DURATION=0.500,URI="s1p0.m4s",INDEPENDENT=YES',
      '#EXT-X-PART:DURATION=0.500,URI="s1p1.m4s"',
      '#EXTINF:1.000,',
      's1.m4s',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z',
      '#EXT-X-PART:DURATION=0.500,URI="s2p0.m4s",INDEPENDENT=YES',
      '#EXT-X-PART:DURATION=0.500,URI="s2p1.m4s"',
      '#EXTINF:1.000,',
      's2.m4s',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:03.000Z',
      '#EXT-X-PART:DURATION=0.500,URI="s3p0.m4s",INDEPENDENT=YES',
      '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="next.m4s"',
      '',
    ]);
  });

  it('leaves out of a delta update what lies before the skip boundary', () => {
    const lines = lowLatencyPlaylist(playlist(10), true).split('\n');
    const at = lines.indexOf('#EXT-X-SKIP:SKIPPED-SEGMENTS=4');
    assert.equal(lines[at - 1], '#EXT-X-MEDIA-SEQUENCE:0');
    assert.equal(lines[at + 1], '#EXT-X-MAP:URI="i.mp4"');
    assert.ok(!lines.includes('s3.m4s'));
    assert.ok(lines.includes('s4.m4s'));
  });

  it('is whole when a delta update would leave nothing out', () => {
    const all = playlist(6);
    assert.equal(lowLatencyPlaylist(all, true), lowLatencyPlaylist(all));
  });

  it('states the longest part as target, and the wanted length before there is one', () => {
    const long = { uri: 'x', durationMs: 620, isIndependent: false };
    const open = { ...segment(3), parts: [long] };
    assert.match(lowLatencyPlaylist(playlist(3, { open })), /PART-TARGET=0.620\n/);
    assert.match(lowLatencyPlaylist(playlist(3, { open })), /PART-HOLD-BACK=1.860,/);
    const empty = playlist(0, { open: undefined, hintUri: undefined });
    assert.match(lowLatencyPlaylist(empty), /PART-TARGET=0.500\n/);
  });
});
