import assert from 'node:assert/strict';

import type { HlsOptions } from '../../../../src/app/hls/options';

import { audioTags, avTags, Harness, hlsOptions, streamName } from './harness';

const other = { ...streamName, stream: 'other' };

describe('app/hls with two streams in memory', () => {
  let hls: Harness;

  beforeEach(() => {
    hls = new Harness();
  });

  afterEach(() => hls.service.stop());

  async function play(changes: Partial<HlsOptions>, tags = [avTags(4200), avTags(4200)]) {
    const options = hlsOptions(changes);
    await hls.play(hls.sink(options), tags[0] ?? []);
    hls.nowMs = 0;
    await hls.play(hls.sink(options, other), tags[1] ?? [], other);
  }

  it('keeps apart what differs only in a directory beside that of the playlist', async () => {
    await play({ tsFile: 'media/[app]/[stream]/[seq].ts' }, [avTags(4200), audioTags(4200)]);
    const [uri = ''] = hls.get('/live/show.m3u8').lines.filter((line) => line.endsWith('.ts'));
    assert.match(uri, /^media\/live\/show\/\d+\.ts$/);
    const [ours, theirs] = [uri, uri.replace('show', 'other')].map((name) =>
      hls.get(`/live/${name}`),
    );
    assert.deepEqual([ours?.status, theirs?.status], [200, 200]);
    assert.notDeepEqual(ours?.body, theirs?.body);
  });

  const shared: [what: string, path: RegExp, changes: Partial<HlsOptions>][] = [
    ['segments', /\/live\/0\.ts/, { m3u8File: '[stream]/index.m3u8', tsFile: '[stream]/[seq].ts' }],
    ['master', /\/live\/master\.m3u8/, { masterFile: '[app]/[stream]/master.m3u8' }],
    ['keys', /\/live\/0\.key/, { keys: true, keyFile: '[app]/[seq].key' }],
  ];
  for (const [what, path, changes] of shared) {
    it(`refuses the second one when its ${what} would have the URL of the first`, async () => {
      await play(changes);
      const [line = ''] = hls.log.matching('hls is off for this publish');
      assert.match(line, /is written by v\.com\/live\/show already/);
      assert.match(line, path);
    });
  }
});
