import assert from 'node:assert/strict';

import { TagFlags, classifyAudio, classifyVideo } from '../../src/media/codec';
import { liveServers, vhost } from '../support/live-server';

const demo = vhost(
  `ingest livestream {
     enabled on;
     input { type file; url bundled:sample.flv; }
     ffmpeg builtin;
     engine { enabled off; output rtmp://127.0.0.1:[port]/live?vhost=[vhost]/livestream; }
   }`,
);

describe('the built-in ingester', () => {
  const start = liveServers();

  it('publishes the bundled sample to the server it is part of', async () => {
    const live = await start(demo);
    assert.equal(
      live.log.matching(`play: rtmp://127.0.0.1:${live.port}/live/livestream`).length,
      1,
    );
    const player = await live.player('livestream');
    const heard = await player.media(8);
    const [metadata, video, audio] = heard;
    assert.equal(metadata!.type, 18);
    assert.equal(classifyVideo(video!.payload, 0, video!.payload.length), TagFlags.sequenceHeader);
    assert.equal(classifyAudio(audio!.payload, 0, audio!.payload.length), TagFlags.sequenceHeader);
    const first = heard.find(({ type }, index) => index > 2 && type === 9);
    assert.equal(classifyVideo(first!.payload, 0, first!.payload.length), TagFlags.keyFrame);
    const times = heard.map(({ timestamp }) => timestamp);
    assert.ok(times.every((time, index) => time >= (times[index - 1] ?? 0)));
    assert.ok(times.at(-1)! < 1000);
    player.socket.end();
    await live.server.stop();
    assert.equal(live.engine.stats.sockets, 0);
    assert.deepEqual(live.errors, []);
    assert.equal(live.log.matching('cleanup when unpublish').length, 1);
  });

  it('yields to nobody, and leaves its stream when the server stops', async () => {
    const live = await start(demo);
    await live.player('livestream').then((player) => player.media(4));
    const rival = await live.client();
    assert.equal((await rival.publish('livestream')).code, 'NetStream.Publish.BadName');
    await rival.closed;
  });
});
