/** Live streams over HTTP: what other people's players save is what was published, in every container. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import type { FlvTag } from '../../src/media/flv';

import { Client } from './support/client';
import { enhancedTags } from './support/enhanced';
import {
  assertSameFrames,
  assertSameTimes,
  fromFirstPicture,
  hashesOf,
  inspect,
} from './support/frames';
import type { Media } from './support/frames';
import { isKeyTag, mediaOf, tagLines, tagsOf } from './support/media';
import type { Program } from './support/program';
import { publish } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import type { SourceName } from './support/sources';
import { Web } from './support/web';

/** Which containers each source is played in. */
const CASES: Readonly<Partial<Record<SourceName, readonly string[]>>> = {
  'h264-aac.flv': ['flv', 'ts', 'aac'],
  'h264-b-frames-aac.flv': ['flv', 'ts'],
  'h264-mp3.flv': ['flv', 'ts', 'mp3'],
  'h264.flv': ['flv', 'ts'],
  'aac.flv': ['flv', 'ts', 'aac'],
  'mp3.flv': ['flv', 'ts', 'mp3'],
  'hevc-aac.mp4': ['ts', 'aac'],
};
const RAW_AUDIO = new Set(['aac', 'mp3']);
/** Of these a player that comes late gets what is sent from then on, or a little before. */
const AUDIO_SOURCES = new Set<SourceName>(['aac.flv', 'mp3.flv']);
/** Sent before the players come: less than a group of pictures, and enough to know which tracks there are. */
const FIRST_MS = 700;
/** How ffmpeg takes the end of an answer whose length was not told. */
const LIVE_END =
  /^(?:\[http @ \w+\] Stream ends prematurely.*\n|http:.*: Input\/output error\n| +Last message repeated.*\n)*$/;
/** Sequence headers of video and audio. */
const HEADERS = 2;
const VIDEO = 9;
/** Between two pieces of a stream. */
const PIECE_MS = 3;

/** What is sent of a source. */
function tagsToSend(path: string): FlvTag[] | Promise<FlvTag[]> {
  return path.endsWith('.mp4') ? enhancedTags(path) : mediaOf(path);
}

/** Kind, size and hash of tags. */
function payloadsOf(tags: readonly FlvTag[]): string[] {
  return tagLines(tags).map((line) => line.replace(/^(\d+) \d+/, '$1'));
}

/** Decodes what a url gives, until it ends. */
function decode(sandbox: Sandbox, url: string): Program {
  return sandbox.start('ffmpeg', ['-v', 'warning', '-i', url, '-f', 'null', '-']);
}

describe('HTTP live', () => {
  let sandbox: Sandbox;

  beforeEach(() => {
    sandbox = new Sandbox();
  });

  afterEach(() => sandbox.close());

  describe('in every container', () => {
    let shared: Sandbox;
    const decoders = new Map<string, Program>();
    const names = Object.keys(CASES) as SourceName[];
    const sent = new Map<SourceName, Media>();

    // All sources at a time, each to two players of each container.
    before(async () => {
      shared = new Sandbox();
      const vhost = 'min_latency on; http_remux { enabled on; fast_cache 30; }';
      const web = await Web.start(shared, { vhost });
      const publishers = await Promise.all(names.map((name) => Client.publish(web.srs.port, name)));
      const curls: Program[] = [];
      for (const [index, name] of names.entries()) {
        const path = await source(name);
        sent.set(name, fromFirstPicture(await inspect(path)));
        const tags = await tagsToSend(path);
        const isFirst = ({ timestamp }: FlvTag): boolean => timestamp < FIRST_MS;
        publishers[index]!.send(tags.filter(isFirst));
        for (const container of CASES[name]!) {
          const file = `${name}.${container}`;
          curls.push(web.save(`/live/${file}`, file));
          decoders.set(file, decode(shared, web.url(`/live/${file}`)));
        }
        await web.hasPlayers(name, 2 * CASES[name]!.length);
        const rest = tags.filter((tag) => !isFirst(tag));
        // Without video nothing is kept for those who are just coming: it comes in many pieces, as they would from afar.
        const piece = AUDIO_SOURCES.has(name) ? 1 : rest.length;
        for (let at = 0; at < rest.length; at += piece) {
          publishers[index]!.send(rest.slice(at, at + piece));
          await setTimeout(PIECE_MS);
        }
      }
      for (const publisher of publishers) publisher.close();
      await web.srs.hasUnpublished(names.length);
      const { stdout } = await web.srs.stop();
      assert.doesNotMatch(stdout, /\[error\]/);
      await Promise.all(curls.map((curl) => curl.succeeds()));
      await Promise.all([...decoders.values()].map(({ ended }) => ended));
    });

    after(() => shared.close());

    for (const name of names) {
      for (const container of CASES[name]!) {
        const file = `${name}.${container}`;

        it(`${file} has the frames that were sent, and plays without a complaint`, async () => {
          const got = await inspect(shared.path(file));
          const all = sent.get(name)!;
          if (AUDIO_SOURCES.has(name)) {
            const audio = got.frames.audio.length;
            assert.ok(audio > all.frames.audio.length / 2, `${audio} frames`);
            const frames = { ...all.frames, audio: all.frames.audio.slice(-audio) };
            assertSameFrames(got, { ...all, frames });
          } else if (RAW_AUDIO.has(container)) assertSameFrames(got, all, ['audio']);
          else {
            assertSameFrames(got, all);
            assertSameTimes(got, all);
          }
          const { status, stderr } = await decoders.get(file)!.ended;
          assert.match(stderr, LIVE_END);
          assert.equal(status, 0);
        });
      }

      if (!CASES[name]!.includes('flv')) continue;
      it(`${name}.flv has the tags byte by byte`, async () => {
        const tags = payloadsOf(tagsOf(await source(name)));
        const got = payloadsOf(tagsOf(shared.path(`${name}.flv`)));
        const headers = got.filter((line) => tags.slice(0, 3).includes(line)).length;
        const media = got.slice(headers);
        assert.deepEqual(media, tags.slice(-media.length));
        assert.ok(media.length > tags.length / 2);
      });
    }
  });

  it('begins at once with the last key frame, and goes on from there', async () => {
    const web = await Web.start(sandbox, { vhost: 'min_latency on; http_remux { enabled on; }' });
    const path = await source('h264-aac.flv');
    const tags = mediaOf(path);
    const [, second = 0, third = 0] = tags.flatMap((tag, index) => (isKeyTag(tag) ? [index] : []));
    const publisher = await Client.publish(web.srs.port, 's');
    const witness = await Client.play(web.srs.port, 's');
    const middle = third - 10;
    publisher.send(tags.slice(0, middle));
    await witness.receives(middle);
    const players = ['flv', 'ts'].map((container) => {
      sandbox.write(`late.${container}`, '');
      return web.save(`/live/s.${container}`, `late.${container}`);
    });
    // Nothing more is sent until they have what there is.
    const size = tags.slice(second, middle).reduce((sum, { payload }) => sum + payload.length, 0);
    for (const file of ['late.flv', 'late.ts']) {
      await sandbox.until(file, () => statSync(sandbox.path(file)).size >= size);
    }
    publisher.send(tags.slice(middle));
    publisher.close();
    await web.srs.hasUnpublished();
    await web.srs.stop();
    await Promise.all(players.map((player) => player.succeeds()));

    const late = tagsOf(sandbox.path('late.flv')).filter(({ type }) => type <= VIDEO);
    assert.deepEqual(tagLines(late.slice(HEADERS)), tagLines(tags.slice(second)));
    const [all, got] = await Promise.all([path, sandbox.path('late.ts')].map(inspect));
    const count = late.slice(HEADERS).filter(({ type }) => type === VIDEO).length;
    // The last of them ends the sequence.
    assert.deepEqual(hashesOf(got!, 'video'), hashesOf(all!, 'video').slice(1 - count));
    assert.equal(got!.complaints, '');
  });

  it('lets players come before the publisher, and keeps them over the next one, in one timeline', async () => {
    const kinds = ['flv', 'ts', 'aac'];
    const vhosts = kinds.map(
      (kind) =>
        `vhost ${kind}.test { http_remux { enabled on; mount [vhost]/[app]/[stream].${kind}; } }`,
    );
    const web = await Web.start(sandbox, { global: vhosts.join('\n') });
    const path = await source('h264-aac.flv');
    const urlOf = (kind: string): string => `${web.rtmp('r')}?vhost=${kind}.test`;
    const players = kinds.map((kind) =>
      web.save(`/live/r.${kind}?vhost=${kind}.test`, `r.${kind}`),
    );
    await web.hasPlayers('r', kinds.length);
    const witness = await Client.play(web.srs.port, 'r?vhost=ts.test');
    const first = kinds.map((kind) => publish(sandbox, path, urlOf(kind)));
    await witness.receives(100);
    for (const program of first) program.kill('SIGKILL');
    await web.srs.hasUnpublished(kinds.length);
    await Promise.all(kinds.map((kind) => publish(sandbox, path, urlOf(kind)).succeeds()));
    await web.srs.hasUnpublished(2 * kinds.length);
    await web.srs.stop();
    await Promise.all(players.map((player) => player.succeeds()));

    const sent = fromFirstPicture(await inspect(path));
    for (const kind of kinds) {
      const got = await inspect(sandbox.path(`r.${kind}`));
      assert.equal(got.complaints, '', kind);
      for (const track of kind === 'aac' ? (['audio'] as const) : (['video', 'audio'] as const)) {
        const [hashes, due] = [hashesOf(got, track), hashesOf(sent, track)];
        assert.deepEqual(hashes.slice(-due.length), due, `${track} of ${kind}`);
        const earlier = hashes.length - due.length;
        assert.ok(earlier > 30, `${earlier} ${track} frames before in ${kind}`);
        const times = got.frames[track].map(({ dts }) => dts);
        const steps = times.slice(1).map((time, index) => time - times[index]!);
        assert.ok(Math.min(...steps) > 0 && Math.max(...steps) < 1000, `${kind}: ${steps.join()}`);
      }
    }
  });

  it('is played by gstreamer', async () => {
    const web = await Web.start(sandbox, { vhost: 'min_latency on; http_remux { enabled on; }' });
    const tags = mediaOf(await source('h264-aac.flv'));
    const pipeline = [
      ...['souphttpsrc', `location=${web.url('/live/g.flv')}`, '!', 'flvdemux', 'name=d'],
      ...['d.video', '!', 'queue', '!', 'filesink', `location=${sandbox.path('video')}`],
      ...['d.audio', '!', 'queue', '!', 'filesink', `location=${sandbox.path('audio')}`],
    ];
    const player = sandbox.start('gst-launch-1.0', ['-q', ...pipeline]);
    await web.hasPlayers('g');
    const publisher = await Client.publish(web.srs.port, 'g');
    publisher.send(tags);
    publisher.close();
    await web.srs.hasUnpublished();
    await web.srs.stop();
    await player.succeeds();
    const bytesOf = (type: number, header: number): number =>
      tags
        .filter((tag) => tag.type === type && tag.payload[1] === 1)
        .reduce((sum, { payload }) => sum + payload.length - header, 0);
    assert.equal(statSync(sandbox.path('video')).size, bytesOf(VIDEO, 5));
    assert.equal(statSync(sandbox.path('audio')).size, bytesOf(8, 2));
  });
});
