/** Media by detours: through another RTMP server and back, and with timestamps as after hours and weeks. */
import assert from 'node:assert/strict';

import type { FlvTag } from '../../src/media/flv';

import { Client } from './support/client';
import { isKeyTag, mediaOf, packetLines, packetsOf, tagLines, tagsOf } from './support/media';
import { freePorts } from './support/ports';
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
    const [port = 0] = await freePorts(1);
    sandbox.write('nginx.conf', nginxConfig(port, server.port));
    const nginx = sandbox.start('nginx', ['-p', sandbox.directory, '-c', 'nginx.conf']);
    await nginx.prints('start worker process ');
    await server.hasPlayers('there');
    const ours = await Client.play(server.port, 'there');
    const back = await Client.play(port, 'back');
    const path = await source('h264-b-frames-aac.flv');
    const tags = mediaOf(path);
    // What comes after it ends the sequence.
    const last = tags.at(-2)!.payload;
    const hasAll = (player: Client) => (): boolean =>
      player.tags.some(({ payload }) => payload.equals(last));
    await publish(sandbox, path, `rtmp://127.0.0.1:${port}/live/there`).succeeds();
    await ours.until('what was pushed', hasAll(ours));
    await back.until('what was pulled', hasAll(back));
    // nginx passes video on from the first key frame after it has connected.
    const lastGroup = (list: readonly FlvTag[]): string[] =>
      tagLines(list.slice(list.map(isKeyTag).lastIndexOf(true)));
    assert.deepEqual(lastGroup(ours.tags), lastGroup(tags));
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

/** Pushes what it is sent to the server, and pulls the stream `there` from it as `back`. */
function nginxConfig(port: number, serverPort: number): string {
  return `
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
pid nginx.pid;
error_log stderr notice;
events { worker_connections 64; }
rtmp {
  access_log off;
  server {
    listen 127.0.0.1:${port};
    application live {
      live on;
      push rtmp://127.0.0.1:${serverPort}/live;
      pull rtmp://127.0.0.1:${serverPort}/live/there name=back static;
    }
  }
}
`;
}
