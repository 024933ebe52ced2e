import assert from 'node:assert/strict';

import { avTags, Harness, hlsOptions, streamName } from './harness';

const playlist = '/live/show.m3u8';

describe('app/hls when options change', () => {
  let hls: Harness;
  beforeEach(() => {
    hls = new Harness();
  });
  afterEach(async () => {
    await hls.service.stop();
  });

  it('goes on with what is in memory, after one discontinuity', async () => {
    const sink = hls.sink(hlsOptions());
    await hls.play(sink, avTags(4200));
    const before = hls.get(playlist).lines.filter((line) => line.endsWith('.ts'));
    sink.onUnpublish();
    assert.equal(hls.sink(hlsOptions({ fragmentMs: 1000 })), sink);
    await hls.play(sink, avTags(4200, 1000, 4200));
    const { lines } = hls.get(playlist);
    for (const segment of before) assert.ok(lines.includes(segment), lines.join('\n'));
    assert.equal(lines.filter((line) => line === '#EXT-X-DISCONTINUITY').length, 1);
    assert.equal(hls.service.size, 1);
  });

  it('has nothing in memory of a vhost that has no HLS any more, and answers who waits', async () => {
    const other = { ...streamName, vhost: 'w.com' };
    const options = hlsOptions({ lowLatency: true });
    const [sink, stays] = [hls.sink(options), hls.sink(options, other)];
    await hls.play(sink, avTags(4200));
    await hls.play(stays, avTags(4200), other);
    const [, part = ''] =
      /PRELOAD-HINT:TYPE=PART,URI="([^"]+)"/.exec(hls.get(playlist).lines.join('\n')) ?? [];
    const waiting = hls.get(`/live/${part}`);
    assert.equal(waiting.isEnded, false);
    sink.onUnpublish();
    hls.service.closeVhost('v.com');
    assert.equal(waiting.isEnded, true);
    assert.equal(hls.get(playlist).isOurs, false);
    assert.equal(hls.get(playlist, '', 'GET', 'w.com').status, 200);
    assert.equal(hls.service.size, 1);
    // It may come back.
    await hls.play(hls.sink(options), avTags(4200));
    assert.equal(hls.get(playlist).status, 200);
  });
});
