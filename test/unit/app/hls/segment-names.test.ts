import assert from 'node:assert/strict';

import type { HlsOptions } from '../../../../src/app/hls/options';
import { SegmentNames } from '../../../../src/app/hls/segment-names';

import { hlsOptions, startEpochMs, streamName } from './harness';

function names(changes: Partial<HlsOptions> = {}, name = streamName): SegmentNames {
  return new SegmentNames(name, hlsOptions({ path: './html', ...changes }), () => true);
}

describe('app/hls/segment-names', () => {
  it('names playlist and segments', () => {
    const of = names();
    assert.equal(of.playlist, './html/live/show.m3u8');
    assert.equal(of.playlistUrl, 'live/show.m3u8');
    assert.equal(of.master, undefined);
    assert.deepEqual(of.segment(5, startEpochMs), {
      path: './html/live/show-5.ts',
      uri: 'show-5.ts',
      ramName: 'show-5.ts',
    });
  });

  it('gives fMP4 names of its own', () => {
    const of = names({ format: 'fmp4' });
    const segment = of.segment(5, startEpochMs);
    assert.equal(segment.uri, 'show-5.m4s');
    assert.equal(of.init(segment).path, './html/live/show-5.mp4');
  });

  it('escapes what is special in URIs, and finds the path again', () => {
    const of = names({}, { ...streamName, stream: 'a b#1' });
    const { uri, path } = of.segment(0, 0);
    assert.equal(uri, 'a%20b%231-0.ts');
    assert.equal(of.pathOf(uri), path.replace('./', ''));
    assert.equal(of.pathOf('%zz'), undefined);
  });

  it('puts the directory behind a prefix without a slash', () => {
    assert.equal(names({ entryPrefix: 'http://h/' }).segment(0, 0).uri, 'http://h/show-0.ts');
    const of = names({ entryPrefix: 'http://h' });
    assert.equal(of.segment(0, 0).uri, 'http://h/live/show-0.ts');
    assert.equal(of.pathOf('http://h/live/show-0.ts'), 'html/live/show-0.ts');
    assert.equal(of.pathOf('show-0.ts'), undefined);
    assert.equal(of.ramUri('show-0.ts'), 'http://h/live/show-0.ts');
  });

  it('tells the number of a segment only beyond doubt', () => {
    assert.equal(names().sequenceOf('html/live/show-12.ts'), 12);
    assert.equal(names().sequenceOf('html/live/show-012.ts'), undefined);
    const timed = names({ tsFile: '[app]/[stream]-[timestamp].ts' });
    assert.equal(timed.sequenceOf('html/live/show-12.ts'), undefined);
  });

  it('finds keys where they are', () => {
    const beside = names({ keyFilePath: '/secret' });
    const key = beside.key(3, 0);
    assert.deepEqual(key, {
      path: '/secret/live/show-3.key',
      uri: 'show-3.key',
      ramName: 'show-3.key',
    });
    assert.equal(beside.keyPathOf(key.uri), key.path);
    const elsewhere = names({ keyUrl: 'https://k/x' });
    assert.equal(elsewhere.key(3, 0).uri, 'https://k/x/live/show-3.key');
    assert.equal(elsewhere.keyPathOf('https://k/x/live/show-3.key'), 'html/live/show-3.key');
    assert.equal(elsewhere.keyPathOf('show-3.key'), undefined);
    assert.equal(elsewhere.ramKeyUri(elsewhere.key(3, 0)), 'https://k/x/live/show-3.key');
  });

  it('has the directories of all files below that of the playlist in memory', () => {
    const below = names({ tsFile: '[app]/[stream]/[seq].ts' });
    assert.equal(below.ramPath(below.segment(1, 0).ramName), '/live/show/1.ts');
    const beside = names({ tsFile: 'segments/[app]-[stream]-[seq].ts' });
    assert.equal(beside.ramPath(beside.segment(1, 0).ramName), '/live/segments/live-show-1.ts');
  });
});
