import assert from 'node:assert/strict';

import type { StreamSink } from '../../../../src/app/stream/sink';

import { avTags, Harness, hlsOptions, settled, startEpochMs } from './harness';

const playlist = '/live/show.m3u8';
const first = startEpochMs / 1000;

function part(number: number): string {
  return `/live/show-${first}.part${number}.m4s`;
}

describe('app/hls with low latency', () => {
  let hls: Harness;
  let sink: StreamSink;
  let sentMs: number;

  beforeEach(async () => {
    hls = new Harness();
    sink = hls.sink(hlsOptions({ lowLatency: true, format: 'fmp4' }));
    hls.publish(sink);
    await settled();
    hls.send(sink, avTags(1));
    sentMs = 40;
  });

  afterEach(async () => {
    await hls.service.stop();
  });

  /** Sends frames up to a time, the frame of that time included. */
  function sendTo(ms: number): void {
    const tags = avTags(20_000).slice(2);
    hls.send(
      sink,
      tags.filter(({ timestamp }) => timestamp >= sentMs && timestamp <= ms),
    );
    sentMs = ms + 40;
  }

  it('lists parts as they come', () => {
    sendTo(400);
    assert.deepEqual(hls.get(playlist).lines, [
      '#EXTM3U',
      '#EXT-X-VERSION:9',
      '#EXT-X-TARGETDURATION:3',
      '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.600,CAN-SKIP-UNTIL=18.000',
      '#EXT-X-PART-INF:PART-TARGET=0.200',
      `#EXT-X-MEDIA-SEQUENCE:${first}`,
      `#EXT-X-MAP:URI="show-${first}.mp4"`,
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z',
      `#EXT-X-PART:DURATION=0.200,URI="show-${first}.part0.m4s",INDEPENDENT=YES`,
      `#EXT-X-PART:DURATION=0.200,URI="show-${first}.part1.m4s"`,
      `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="show-${first}.part2.m4s"`,
      '',
    ]);
  });

  it('makes a segment of exactly its parts', () => {
    sendTo(2200);
    const bodies = Array.from({ length: 10 }, (_, index) => hls.get(part(index)).body);
    assert.ok(bodies.every((body) => body.toString('latin1', 4, 8) === 'moof'));
    const segment = hls.get(`/live/show-${first}.m4s`);
    assert.ok(segment.body.equals(Buffer.concat(bodies)));
    assert.equal(segment.headers['Content-Type'], 'video/iso.segment');
  });

  it('holds a request for a part until the playlist has it', () => {
    sendTo(400);
    const waiting = hls.get(playlist, `_HLS_msn=${first}&_HLS_part=2`);
    const atOnce = hls.get(playlist, `_HLS_msn=${first}&_HLS_part=1`);
    assert.equal(atOnce.status, 200);
    sendTo(560);
    assert.equal(waiting.isEnded, false);
    sendTo(600);
    assert.equal(waiting.status, 200);
    assert.match(waiting.text, /part2.m4s"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="[^"]*part3.m4s"/);
  });

  it('holds a request for a segment until it is complete, or for a part of the next one', () => {
    sendTo(400);
    const whole = hls.get(playlist, `_HLS_msn=${first}`);
    const next = hls.get(playlist, `_HLS_msn=${first + 1}&_HLS_part=0`);
    const beyond = hls.get(playlist, `_HLS_msn=${first}&_HLS_part=99`);
    sendTo(1960);
    assert.deepEqual(
      [whole, next, beyond].map(({ isEnded }) => isEnded),
      [false, false, false],
    );
    sendTo(2000);
    assert.deepEqual(
      [whole, next, beyond].map(({ isEnded }) => isEnded),
      [true, false, true],
    );
    assert.match(whole.text, new RegExp(`show-${first}.m4s\n`));
    sendTo(2200);
    assert.equal(next.status, 200);
  });

  it('answers a request that nothing comes for with 503 after three target durations', () => {
    sendTo(400);
    const waiting = hls.get(playlist, `_HLS_msn=${first}&_HLS_part=2`);
    hls.pass(8999);
    assert.equal(waiting.isEnded, false);
    hls.pass(1);
    assert.equal(waiting.status, 503);
  });

  it('refuses what makes no sense', () => {
    sendTo(2400);
    const bad = ['_HLS_part=1', '_HLS_msn=x', '_HLS_msn=-1', `_HLS_msn=${first}&_HLS_part=1.5`];
    for (const query of bad) assert.equal(hls.get(playlist, query).status, 400, query);
    assert.equal(hls.get(playlist, `_HLS_msn=${first + 3}`).status, 400);
    assert.equal(hls.get(playlist, `_HLS_msn=${first + 2}`).isEnded, false);
  });

  it('forgets a request whose client has gone', () => {
    sendTo(400);
    const waiting = hls.get(playlist, `_HLS_msn=${first}&_HLS_part=2`);
    waiting.close();
    sendTo(600);
    assert.equal(waiting.isEnded, false);
  });

  it('holds a request for the announced part until it is there', () => {
    sendTo(400);
    const waiting = hls.get(part(2));
    assert.equal(waiting.isOurs, true);
    assert.equal(hls.get(part(3)).isOurs, false);
    sendTo(600);
    assert.equal(waiting.status, 200);
    assert.ok(waiting.body.equals(hls.get(part(2)).body));
    assert.equal(waiting.headers['Content-Type'], 'video/iso.segment');
  });

  it('announces nothing any more when the publisher has left', () => {
    sendTo(480);
    const waiting = hls.get(part(3));
    assert.equal(waiting.isOurs, false);
    const announced = hls.get(part(2));
    sink.onUnpublish();
    assert.equal(announced.status, 200);
    assert.doesNotMatch(hls.get(playlist).text, /PRELOAD-HINT/);
    assert.equal(hls.get(part(3)).isOurs, false);
  });

  it('answers delta updates', () => {
    sendTo(19_960);
    const full = hls.get(playlist);
    const delta = hls.get(playlist, '_HLS_skip=YES');
    assert.doesNotMatch(full.text, /SKIP:/);
    assert.equal(delta.status, 200);
    assert.doesNotMatch(delta.text, /SKIP:/);
  });

  it('leaves what is skipped out of a delta update of a long list', async () => {
    const long = hls.sink(hlsOptions({ lowLatency: true, format: 'ts', windowMs: 60_000 }), {
      vhost: 'v.com',
      app: 'live',
      stream: 'long',
    });
    await hls.play(long, avTags(30_200));
    const delta = hls.get('/live/long.m3u8', '_HLS_skip=YES').text;
    assert.match(delta, /\n#EXT-X-SKIP:SKIPPED-SEGMENTS=6\n/);
    const answer = hls.get(`/live/long-${first}.part0.ts`);
    assert.equal(answer.headers['Content-Type'], 'video/mp2t');
    assert.equal(answer.body[0], 0x47);
  });
});

describe('app/hls with low latency and keys', () => {
  it('keeps the keys and does without low latency', async () => {
    const hls = new Harness();
    await hls.play(hls.sink(hlsOptions({ lowLatency: true, keys: true })), avTags(4200));
    assert.equal(hls.log.matching('hls_low_latency does not go with hls_keys').length, 1);
    assert.match(hls.get(playlist).text, /EXT-X-KEY/);
    assert.doesNotMatch(hls.get(playlist).text, /EXT-X-PART/);
    await hls.service.stop();
  });
});
