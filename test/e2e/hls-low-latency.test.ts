/** The protocol of low-latency HLS by hand: what is answered at once, what waits, and for how long. */
import assert from 'node:assert/strict';
import fs from 'node:fs';

import type { FlvTag } from '../../src/media/flv';

import { Client } from './support/client';
import { decodesSilently, fetchBytes, HTTP_SERVER, httpUrl, playlistOnce } from './support/hls';
import { mediaOf } from './support/media';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Srs } from './support/srs';

const PATH = '/live/s.m3u8';
const SEGMENT_MS = 1000;
const PART_MS = 200;
/** Frames before the end of a part come with the first one behind it. */
const FRAME_MS = 40;
/** What has not been answered within this time waits. */
const PATIENCE_MS = 300;
const VHOST = `
min_latency on;
hls {
  enabled on; hls_storage ram; hls_format fmp4; hls_low_latency on;
  hls_fragment 1; hls_part 0.2; hls_window 30; hls_mount /[app]/[stream].m3u8;
}`;

/** An answer, and how long it took. */
interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly text: string;
  readonly tookMs: number;
}

describe('low-latency HLS', () => {
  let sandbox: Sandbox;
  let server: Srs;
  let client: Client;
  let tags: FlvTag[];

  beforeEach(async () => {
    sandbox = new Sandbox();
    fs.mkdirSync(sandbox.path('html'));
    server = await Srs.start(sandbox, { vhost: VHOST, global: HTTP_SERVER });
    tags = mediaOf(await source('h264-aac.flv', 12));
    client = await Client.publish(server.port, 's');
  });

  afterEach(() => sandbox.close());

  /** Sends what comes up to this time, with the frame that begins then. */
  function sendUntil(ms: number): void {
    const count = tags.findIndex(({ timestamp }) => timestamp >= ms + FRAME_MS);
    client.send(tags.splice(0, count));
  }

  async function get(query = '', path = PATH): Promise<Answer> {
    const fromMs = performance.now();
    const response = await fetch(httpUrl(server, path) + query);
    const body = Buffer.from(await response.arrayBuffer());
    const tookMs = performance.now() - fromMs;
    return { status: response.status, body, text: body.toString(), tookMs };
  }

  /** Sends the segments before this one, and three parts of it; the playlist then, and the number of the segment. */
  async function playing(segment: number): Promise<{ text: string; next: number }> {
    const ms = segment * SEGMENT_MS + 3 * PART_MS;
    sendUntil(ms);
    const { text, mediaSequence } = await playlistOnce(
      httpUrl(server, PATH),
      `at ${ms} ms`,
      ({ segments, text: now }) =>
        segments.length === segment && partsOf(now.slice(now.lastIndexOf('#EXTINF'))).length === 3,
    );
    return { text, next: mediaSequence + segment };
  }

  const partsOf = (text: string): string[] =>
    [...text.matchAll(/#EXT-X-PART:[^\n]*URI="([^"]+)"/g)].map(([, uri]) => uri!);
  const hintOf = (text: string): string =>
    `/live/${/PRELOAD-HINT:TYPE=PART,URI="([^"]+)"/.exec(text)![1]!}`;

  it('answers a blocking reload with the part that is waited for, at once when it is there', async () => {
    const { text, next } = await playing(1);
    assert.match(text, /#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0\.6/);
    assert.match(text, /#EXT-X-PART-INF:PART-TARGET=0\.2/);
    const there = await get(`?_HLS_msn=${next}&_HLS_part=2`);
    assert.equal(there.text, text);

    for (const [part, ms] of [3, 4].map(
      (index) => [index, SEGMENT_MS + (index + 1) * PART_MS] as const,
    )) {
      let isAnswered = false;
      const answer = get(`?_HLS_msn=${next}&_HLS_part=${part}`).finally(() => (isAnswered = true));
      await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
      assert.equal(isAnswered, false, `part ${part} is not there yet`);
      const fromMs = performance.now();
      sendUntil(ms);
      const { status, text: newer } = await answer;
      const tookMs = performance.now() - fromMs;
      assert.equal(status, 200);
      assert.ok(tookMs < PART_MS, `${tookMs} ms after the last frame of the part`);
      assert.equal(partsOf(newer).length, partsOf(text).length + part - 2);
    }
    const whole = await get(`?_HLS_msn=${next}`);
    assert.match(whole.text, new RegExp(`-${next}\\.m4s\\n`));
    await server.stop();
  });

  it('holds a request for the part that it hints at until that is there', async () => {
    const { text } = await playing(1);
    const answer = get('', hintOf(text));
    const both = get('', hintOf(text));
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
    sendUntil(1800);
    const { status, body, tookMs } = await answer;
    assert.equal(status, 200);
    assert.ok(tookMs >= PATIENCE_MS && tookMs < PATIENCE_MS + PART_MS, `${tookMs} ms`);
    assert.deepEqual((await both).body, body);
    const { text: newer } = await get();
    assert.equal(`/live/${partsOf(newer).at(-1)!}`, hintOf(text));
    assert.deepEqual((await get('', hintOf(text))).body, body);
    assert.notEqual(hintOf(newer), hintOf(text));

    // Nothing comes of a hint when the publisher leaves.
    const lost = get('', hintOf(newer));
    const waiting = get('?_HLS_msn=999999999999');
    client.close();
    assert.ok([200, 404].includes((await lost).status));
    assert.equal((await waiting).status, 400);
    await server.stop();
  });

  it('lists parts that make up their segment, and segments that decode', async () => {
    const { text } = await playing(2);
    const init = await fetchBytes(httpUrl(server, `/live/${/MAP:URI="([^"]+)"/.exec(text)![1]!}`));
    const [first = '', second = ''] = text.split(/#EXTINF:[^\n]*\n/).slice(0, 2);
    for (const [index, lines] of [first, second].entries()) {
      const parts = await Promise.all(
        partsOf(lines).map((uri) => fetchBytes(httpUrl(server, `/live/${uri}`))),
      );
      assert.equal(parts.length, 5);
      const uri = text.split(/#EXTINF:[^\n]*\n/)[index + 1]!.split('\n')[0]!;
      const segment = await fetchBytes(httpUrl(server, `/live/${uri}`));
      assert.deepEqual(Buffer.concat(parts), segment);
      fs.writeFileSync(sandbox.path(`${index}.mp4`), Buffer.concat([init, segment]));
      const independent = lines.match(/INDEPENDENT=YES/g);
      assert.equal(independent?.length, 1);
    }
    await decodesSilently([sandbox.path('0.mp4'), sandbox.path('1.mp4')]);
    await server.stop();
  });

  it('leaves out what a client has seen, when it is asked to', async () => {
    const { text } = await playing(9);
    const { text: delta } = await get('?_HLS_skip=YES');
    const skipped = Number(/#EXT-X-SKIP:SKIPPED-SEGMENTS=(\d+)/.exec(delta)?.[1]);
    assert.ok(skipped > 0, delta);
    const listed = (list: string): string[] => list.match(/^\S+\.m4s$/gm) ?? [];
    assert.deepEqual(listed(delta), listed(text).slice(skipped));
    const sequence = /#EXT-X-MEDIA-SEQUENCE:\d+/;
    assert.deepEqual(sequence.exec(delta)?.[0], sequence.exec(text)?.[0]);
    await server.stop();
  });

  it('refuses what makes no sense', async () => {
    const { next } = await playing(1);
    for (const query of [`_HLS_msn=${next + 10}`, '_HLS_msn=x', '_HLS_part=1', '_HLS_msn=-1']) {
      assert.equal((await get(`?${query}`)).status, 400, query);
    }
    await server.stop();
  });
});
