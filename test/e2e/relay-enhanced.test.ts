/** Enhanced RTMP through the server: real H.265, AV1 and Opus, byte by byte, and where a late player begins. */
import assert from 'node:assert/strict';

import type { FlvTag } from '../../src/media/flv';

import { Client } from './support/client';
import { enhancedTags } from './support/enhanced';
import { tagLines, tagsOf } from './support/media';
import { recordAll } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import type { SourceName } from './support/sources';
import { Srs } from './support/srs';

const CASES: readonly (readonly [SourceName, RegExp, RegExp])[] = [
  ['hevc-aac.mp4', /video sh, codec\(12, HEVC, .*320x180/, /audio sh, codec\(\d+, AAC, .*44100HZ/],
  ['av1-opus.mp4', /video sh, codec\(\d+, AV1, .*320x180/, /audio sh, codec\(\d+, Opus, /],
];

const VIDEO = 9;
const isVideoFrame = ({ type, payload }: FlvTag): boolean =>
  type === VIDEO && (payload[0]! & 0x0f) !== 0;
const isKeyFrame = (tag: FlvTag): boolean => isVideoFrame(tag) && (tag.payload[0]! & 0x70) === 0x10;

describe('relay of Enhanced RTMP', () => {
  let sandbox: Sandbox;

  beforeEach(() => {
    sandbox = new Sandbox();
  });

  afterEach(() => sandbox.close());

  for (const [name, videoLine, audioLine] of CASES) {
    it(`passes ${name} on byte by byte, to late players from a key frame on`, async () => {
      const tags = await enhancedTags(await source(name));
      assert.ok(tags.filter(isKeyFrame).length >= 3);
      const server = await Srs.start(sandbox, { vhost: 'min_latency on;' });
      const [recorder] = await recordAll(sandbox, server, 'e', ['rtmpdump']);
      const player = await Client.play(server.port, 'e');
      const publisher = await Client.publish(server.port, 'e');
      publisher.send(tags);
      await player.receives(tags.length);
      await server.program.prints(videoLine);
      await server.program.prints(audioLine);

      const late = await Client.play(server.port, 'e');
      const lastKey = tags.map(isKeyFrame).lastIndexOf(true);
      const [headers, frames] = [tags.slice(0, 2), tags.slice(lastKey)];
      await late.receives(headers.length + frames.length);
      publisher.close();
      await server.hasUnpublished();
      await server.stop();
      await recorder?.ended;

      assert.deepEqual(tagLines(player.tags), tagLines(tags));
      assert.deepEqual(tagLines(tagsOf(sandbox.path('e.rtmpdump.flv'))), tagLines(tags));
      const payloads = (list: readonly FlvTag[]): Buffer[] => list.map(({ payload }) => payload);
      assert.deepEqual(payloads(late.tags.slice(2)), payloads(frames));
      assert.deepEqual(new Set(payloads(late.tags.slice(0, 2))), new Set(payloads(headers)));
    });
  }
});
