import assert from 'node:assert/strict';

import type { HlsOptions } from '../../../../src/app/hls/options';
import { TsReader } from '../../../../src/media/ts-reader';

import {
  audioTags,
  avTags,
  headerTags,
  Harness,
  hlsOptions,
  settled,
  startEpochMs,
} from './harness';

const playlist = '/live/show.m3u8';
/** Segments in memory are numbered from the time of day on. */
const first = startEpochMs / 1000;

describe('app/hls in memory', () => {
  let hls: Harness;

  beforeEach(() => {
    hls = new Harness();
  });

  afterEach(async () => {
    await hls.service.stop();
    assert.equal(hls.service.resources, 0, 'something is left in memory');
  });

  async function play(changes: Partial<HlsOptions>, tags = avTags(8200)): Promise<void> {
    await hls.play(hls.sink(hlsOptions(changes)), tags);
  }

  it('serves playlist and segments with their types and how long they may be kept', async () => {
    await play({});
    const list = hls.get(playlist);
    assert.equal(list.status, 200);
    assert.deepEqual(list.headers, {
      'Content-Type': 'application/vnd.apple.mpegurl',
      'Content-Length': list.body.length,
      'Cache-Control': 'no-cache',
    });
    assert.deepEqual(list.lines, [
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-TARGETDURATION:3',
      `#EXT-X-MEDIA-SEQUENCE:${first}`,
      ...[0, 1, 2, 3].flatMap((index) => ['#EXTINF:2.000,', `show-${first + index}.ts`]),
      '',
    ]);
    const segment = hls.get(`/live/show-${first}.ts`);
    assert.equal(segment.status, 200);
    assert.deepEqual(segment.headers, {
      'Content-Type': 'video/mp2t',
      'Content-Length': segment.body.length,
      'Cache-Control': 'public, max-age=10',
    });
    const reader = new TsReader();
    reader.push(segment.body);
    const { pids, continuityErrors, wholeBytes } = reader.finish();
    assert.equal(continuityErrors, 0);
    assert.equal(wholeBytes, segment.body.length);
    assert.deepEqual(
      [...pids.values()].map((pid) => pid.pesPackets),
      [50, 50],
    );
  });

  it('answers HEAD without a body and refuses other methods', async () => {
    await play({});
    const head = hls.get(playlist, '', 'HEAD');
    assert.equal(head.status, 200);
    assert.equal(head.headers['Content-Length'], hls.get(playlist).body.length);
    assert.equal(head.body.length, 0);
    assert.ok(head.isEnded);
    const post = hls.get(playlist, '', 'POST');
    assert.equal(post.status, 405);
    assert.equal(post.headers['Allow'], 'GET, HEAD');
  });

  it('has nothing for other names, other vhosts, and before the first segment', async () => {
    const sink = hls.sink(hlsOptions());
    await hls.play(sink, avTags(1000));
    assert.equal(hls.get(playlist).isOurs, false);
    hls.send(sink, avTags(4000, 1000, 1000));
    assert.equal(hls.get(playlist).isOurs, true);
    assert.equal(hls.get(playlist, '', 'GET', 'other').isOurs, false);
    assert.equal(hls.get('/live/other.m3u8').isOurs, false);
    assert.equal(hls.get('/live/show-1.ts').isOurs, false);
  });

  it('serves every vhost when the mount does not name one', async () => {
    await play({ mount: '/hls/[vhost]/[app]/[stream].m3u8' });
    assert.equal(hls.get('/hls/v.com/live/show.m3u8', '', 'GET', 'any').status, 200);
    assert.equal(hls.get(`/hls/v.com/live/show-${first}.ts`).status, 200);
  });

  it('keeps removed segments for one more target duration, then frees them', async () => {
    const sink = hls.sink(hlsOptions({ windowMs: 4000 }));
    await hls.play(sink, avTags(12_200));
    const list = hls.get(playlist).lines;
    // Three target durations of 3 s are the least that a live playlist holds.
    assert.equal(list[3], `#EXT-X-MEDIA-SEQUENCE:${first + 1}`);
    assert.equal(list.filter((line) => line.endsWith('.ts')).length, 5);
    assert.equal(hls.get(`/live/show-${first}.ts`).status, 200);
    hls.pass(2000);
    assert.equal(hls.get(`/live/show-${first}.ts`).status, 200);
    hls.pass(1000);
    assert.equal(hls.get(`/live/show-${first}.ts`).isOurs, false);
    assert.equal(hls.get(`/live/show-${first + 1}.ts`).status, 200);
  });

  it('stays after the publisher has left for as long as its window, then is freed', async () => {
    const sink = hls.sink(hlsOptions());
    await hls.play(sink, avTags(4200));
    sink.onUnpublish();
    const list = hls.get(playlist).text;
    assert.equal(hls.get(playlist).lines.filter((line) => line.endsWith('.ts')).length, 3);
    assert.doesNotMatch(list, /ENDLIST/);
    hls.pass(9000);
    assert.equal(hls.get(playlist).text, list);
    assert.equal(hls.service.size, 1);
    hls.pass(1000);
    assert.equal(hls.get(playlist).isOurs, false);
    assert.equal(hls.service.resources, 0);
    assert.equal(hls.service.size, 0);
  });

  it('stays for hls_dispose when that is set', async () => {
    const sink = hls.sink(hlsOptions({ disposeMs: 30_000 }));
    await hls.play(sink, avTags(4200));
    sink.onUnpublish();
    hls.pass(29_000);
    assert.equal(hls.get(playlist).status, 200);
    hls.pass(1000);
    assert.equal(hls.get(playlist).isOurs, false);
  });

  it('goes on after a republish with a discontinuity', async () => {
    const sink = hls.sink(hlsOptions());
    await hls.play(sink, avTags(2200));
    sink.onUnpublish();
    hls.pass(500);
    hls.publish(sink);
    hls.send(sink, avTags(2200));
    assert.deepEqual(hls.get(playlist).lines.slice(3), [
      `#EXT-X-MEDIA-SEQUENCE:${first}`,
      '#EXTINF:2.000,',
      `show-${first}.ts`,
      '#EXTINF:0.200,',
      `show-${first + 1}.ts`,
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:2.000,',
      `show-${first + 2}.ts`,
      '',
    ]);
    assert.equal(
      hls.service.sinkFor({ vhost: 'v.com', app: 'live', stream: 'show' }, hlsOptions()),
      sink,
    );
  });

  it('drops what is shorter than 100 ms and uses its number again', async () => {
    const sink = hls.sink(hlsOptions());
    await hls.play(sink, avTags(2060));
    sink.onUnpublish();
    assert.equal(hls.get(playlist).lines.filter((line) => line.endsWith('.ts')).length, 1);
    assert.deepEqual(hls.log.matching('drop ts segment'), [
      `trace 100 unpublish drop ts segment, sequence_no=${first + 1}, uri=show-${first + 1}.ts, ` +
        'duration=0.08, start=180000',
    ]);
    hls.publish(sink);
    hls.send(sink, avTags(2060));
    assert.ok(hls.get(playlist).lines.includes(`show-${first + 1}.ts`));
  });

  it('marks a jump of the timestamps', async () => {
    const sink = hls.sink(hlsOptions());
    await hls.play(sink, avTags(3000));
    hls.send(sink, avTags(2200, 1000, 100_000).slice(2));
    assert.deepEqual(hls.get(playlist).lines.slice(4, -1), [
      '#EXTINF:2.000,',
      `show-${first}.ts`,
      '#EXTINF:1.000,',
      `show-${first + 1}.ts`,
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:2.000,',
      `show-${first + 2}.ts`,
    ]);
    assert.equal(hls.log.matching('timestamps jump from 2960 to 100000').length, 1);
  });

  it('cuts sound without pictures by its duration', async () => {
    await play({}, audioTags(4400));
    assert.deepEqual(hls.get(playlist).lines.slice(4, -1), [
      '#EXTINF:2.000,',
      `show-${first}.ts`,
      '#EXTINF:2.000,',
      `show-${first + 1}.ts`,
    ]);
  });

  it('takes pictures that come late with a discontinuity, at their key frame', async () => {
    const sink = hls.sink(hlsOptions({ format: 'fmp4' }));
    await hls.play(sink, audioTags(3000));
    hls.send(sink, avTags(4200, 1000, 3000));
    const lines = hls.get(playlist).lines.filter((line) => /MAP|DISC|INF/.test(line));
    assert.deepEqual(lines, [
      `#EXT-X-MAP:URI="show-${first}.mp4"`,
      '#EXTINF:2.000,',
      '#EXTINF:1.000,',
      '#EXT-X-DISCONTINUITY',
      `#EXT-X-MAP:URI="show-${first + 2}.mp4"`,
      '#EXTINF:2.000,',
      '#EXTINF:2.000,',
    ]);
    const init = hls.get(`/live/show-${first + 2}.mp4`);
    assert.equal(init.headers['Content-Type'], 'video/mp4');
    assert.ok(init.body.includes('avc1') && init.body.includes('mp4a'));
    assert.ok(!hls.get(`/live/show-${first}.mp4`).body.includes('avc1'));
  });

  it('waits for the second track at the start', async () => {
    const sink = hls.sink(hlsOptions());
    const [video, audio] = headerTags();
    const frames = avTags(2300).slice(2);
    await hls.play(sink, [
      audio!,
      ...frames.filter(({ type }) => type === 8).slice(0, 3),
      video!,
      ...frames,
    ]);
    assert.ok(hls.get(playlist).lines.includes('#EXTINF:2.000,'));
    assert.doesNotMatch(hls.get(playlist).text, /DISCONTINUITY/);
  });

  it('leaves out what is not wanted', async () => {
    await play({ acodec: 'an' });
    const reader = new TsReader();
    reader.push(hls.get(`/live/show-${first}.ts`).body);
    assert.deepEqual(
      [...reader.finish().pids.values()].map((pid) => pid.streamId),
      [0xe0],
    );
  });

  it('serves a master playlist beside the playlist', async () => {
    await play({ masterFile: '[app]/[stream].master.m3u8' });
    const master = hls.get('/live/show.master.m3u8');
    assert.equal(master.headers['Content-Type'], 'application/vnd.apple.mpegurl');
    assert.equal(master.lines[1], '#EXT-X-VERSION:3');
    assert.match(
      master.lines[2] ?? '',
      /^#EXT-X-STREAM-INF:BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25.000$/,
    );
    assert.deepEqual(master.lines.slice(3), ['show.m3u8', '']);
  });

  it('tells of each segment and prints a status line', async () => {
    await play({});
    assert.deepEqual(hls.segments[0], {
      name: { vhost: 'v.com', app: 'live', stream: 'show' },
      file: `show-${first}.ts`,
      url: `show-${first}.ts`,
      m3u8: '/nowhere/live/show.m3u8',
      m3u8Url: 'live/show.m3u8',
      durationMs: 2000,
      sequence: first,
    });
    hls.printed?.(1234);
    assert.equal(
      hls.log.lines.at(-1),
      `trace 100 -> HLS time=1234, stream dts=734400(8160ms), sequence_no=${first + 4}`,
    );
    assert.equal(
      hls.log.matching('hls: win=')[0],
      'trace 100 hls: win=10.00, frag=2.00, prefix=, path=/nowhere, m3u8=[app]/[stream].m3u8, ' +
        'ts=[app]/[stream]-[seq].ts, aof=2.00, floor=0, clean=1, waitk=1, dispose=0.00, ' +
        'storage=ram, format=ts, ll=0',
    );
  });

  it('refuses a second stream of the same URL and says so', async () => {
    await play({ mount: '/all.m3u8' });
    const other = { vhost: 'v.com', app: 'live', stream: 'other' };
    await hls.play(hls.sink(hlsOptions({ mount: '/all.m3u8' }), other), avTags(4200), other);
    assert.match(
      hls.log.matching('hls is off for this publish')[0] ?? '',
      /\/all.m3u8 is written by v.com\/live\/show already.* ret=3003$/,
    );
    assert.match(hls.get('/all.m3u8').text, /show-/);
  });

  it('refuses names that cannot be part of a path', async () => {
    const name = { vhost: 'v.com', app: 'live', stream: '../show' };
    await hls.play(hls.sink(hlsOptions(), name), avTags(4200), name);
    assert.equal(hls.log.matching('cannot be part of a path').length, 1);
    assert.equal(hls.service.size, 0);
  });

  it('survives a publisher that comes and goes 200 times in bounded memory', async () => {
    const sink = hls.sink(hlsOptions({ windowMs: 4000, format: 'fmp4' }));
    for (let round = 0; round < 200; round++) {
      hls.publish(sink);
      if (round === 0) await settled();
      hls.send(sink, avTags(1040));
      sink.onUnpublish();
      hls.pass(100);
    }
    assert.ok(hls.service.resources < 40, `${hls.service.resources} resources`);
    assert.match(hls.get(playlist).text, /#EXT-X-DISCONTINUITY-SEQUENCE:1\d\d\n/);
  });
});

describe('app/hls on errors', () => {
  const broken = { type: 9, timestamp: 2000, payload: Buffer.from('170000000001', 'hex') };

  async function fail(onError: HlsOptions['onError']): Promise<Harness> {
    const hls = new Harness();
    const sink = hls.sink(hlsOptions({ onError }));
    await hls.play(sink, avTags(3000));
    hls.send(sink, [broken, broken, ...avTags(3000, 1000, 3000).slice(2)]);
    await settled();
    return hls;
  }

  it('skips bad packets and goes on', async () => {
    const hls = await fail('continue');
    assert.equal(
      hls.log.matching('hls process video message failed, skip it, packets=1').length,
      1,
    );
    assert.doesNotMatch(hls.get(playlist).text, /DISCONTINUITY/);
    assert.equal(hls.get(playlist).lines.filter((line) => line.endsWith('.ts')).length, 2);
    await hls.service.stop();
  });

  it('stops until the next publish', async () => {
    const hls = await fail('ignore');
    assert.equal(hls.log.matching('ignore and disable hls').length, 1);
    assert.equal(hls.get(playlist).lines.filter((line) => line.endsWith('.ts')).length, 2);
    assert.deepEqual(hls.dropped, []);
    await hls.service.stop();
  });

  it('asks for the end of the publisher', async () => {
    const hls = await fail('disconnect');
    assert.equal(hls.dropped.length, 1);
    assert.match(hls.dropped[0] ?? '', /^show: hls: /);
    await hls.service.stop();
  });

  it('says once what TS cannot hold, and keeps the rest', async () => {
    const hls = new Harness();
    const payload = Buffer.concat([
      Buffer.from('90', 'hex'),
      Buffer.from('av01'),
      Buffer.from('81050c000a0b0000002d4cffb3ccaf9004', 'hex'),
    ]);
    const header = { type: 9, timestamp: 0, payload };
    await hls.play(hls.sink(hlsOptions()), [header, header, ...audioTags(3000)]);
    assert.deepEqual(hls.log.matching('hls ignores'), [
      'warn 100 hls ignores the video: segments of ts cannot hold av01, hls_format fmp4 can',
    ]);
    assert.equal(hls.get(playlist).status, 200);
    await hls.service.stop();
  });
});
