/** Media by detours: through another RTMP server and back, and with timestamps as after hours and weeks. */
import assert from 'node:assert/strict';

import type { FlvTag } from '../../src/media/flv';

import { Client } from './support/client';
import { lastGroup, mediaOf, packetLines, packetsOf, tagLines, tagsOf } from './support/media';
import { startNginx } from './support/nginx';
import { due, publish, recordAll } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Srs } from './support/srs';

/** First timestamps: the 24 bits of a chunk header are outgrown on the way; the end of 31 bits is near. */
const STARTS = { 'across 24 bits': 0xffffff - 1500, 'near 2^31': 2 ** 31 - 4000 } as const;

describe('relay', () => {
  let sandbox: Sandbox;

  beforeEach(() => {
    sandbox = new Sandbox();
  });

  afterEach(() => sandbox.close());

  it('takes what nginx-rtmp pushes and feeds what it pulls', async () => {
    const server = await Srs.start(sandbox);
    const ours = `rtmp://127.0.0.1:${server.port}/live`;
    const relays = `push ${ours}; pull ${ours}/there name=back static;`;
    const nginx = await startNginx(sandbox, relays);
    await server.hasPlayers('there');
    const there = await Client.play(server.port, 'there');
    const back = await Client.play(nginx.port, 'back');
    const path = await source('h264-b-frames-aac.flv');
    const tags = mediaOf(path);
    // What comes after it ends the sequence.
    const last = tags.at(-2)!.payload;
    const hasAll = (player: Client) => (): boolean =>
      player.tags.some(({ payload }) => payload.equals(last));
    await publish(sandbox, path, nginx.url('there')).succeeds();
    await there.until('what was pushed', hasAll(there));
    await back.until('what was pulled', hasAll(back));
    // nginx passes video on from the first key frame after it has connected.
    assert.deepEqual(lastGroup(there.tags), lastGroup(tags));
    assert.deepEqual(lastGroup(back.tags), lastGroup(tags));
    await server.stop();
  });

  for (const [name, first] of Object.entries(STARTS)) {
    it(`passes timestamps ${name} unchanged with atc, in small chunks`, async () => {
      const server = await Srs.start(sandbox, { vhost: 'atc on; chunk_size 128;' });
      const recorders = await recordAll(sandbox, server, 't');
      const player = await Client.play(server.port, 't');
      const publisher = await Client.publish(server.port, 't');
      const tags = mediaOf(await source('h264-aac.flv')).map((tag) => ({
        ...tag,
        timestamp: tag.timestamp + first,
      }));
      publisher.send(tags);
      await player.receives(tags.length);
      publisher.close();
      await server.hasUnpublished();
      await server.stop();
      await Promise.all(recorders.map((recorder) => recorder.ended));

      const times = (list: readonly FlvTag[]): number[] => list.map(({ timestamp }) => timestamp);
      // The end of the sequence comes after audio that is later, and is only moved where time is corrected.
      assert.deepEqual(times(player.tags), times(tags));
      const sent = tagLines(tags);
      for (const recorder of ['rtmpdump', 'gstreamer'] as const) {
        const received = tagLines(tagsOf(sandbox.path(`t.${recorder}.flv`)));
        assert.deepEqual(received, due(recorder, sent, received.length), recorder);
      }
      const packets = await packetsOf(sandbox.path('t.ffmpeg.flv'));
      const original = await packetsOf(await source('h264-aac.flv'));
      for (const kind of ['video', 'audio']) {
        assert.deepEqual(packetLines(packets, kind), packetLines(original, kind));
      }
    });
  }
});
