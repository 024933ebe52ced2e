import assert from 'node:assert/strict';

import type { HttpPeer } from '../support/http-peer';
import { httpConfig, liveServers, texts } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { flvFile, sampleTags } from '../support/media';

const tags = sampleTags(10, 5);
const file = flvFile(tags);
const chunked = { 'Transfer-Encoding': 'chunked' };

/** One chunk of the chunked coding. */
function chunk(bytes: Buffer | string): Buffer {
  const size = Buffer.byteLength(bytes).toString(16);
  return Buffer.concat([Buffer.from(`${size}\r\n`), Buffer.from(bytes), Buffer.from('\r\n')]);
}

/** A publisher whose body goes on. */
async function publisher(
  live: LiveServer,
  path = '/live/s.flv',
  method = 'POST',
): Promise<HttpPeer> {
  const peer = await live.http();
  const before = live.log.matching('source url=').length;
  peer.ask(path, { method, headers: chunked });
  await live.log.until(() => live.log.matching('source url=').length > before);
  return peer;
}

describe('publishing over HTTP', () => {
  const start = liveServers();

  for (const method of ['POST', 'PUT']) {
    it(`by ${method} is heard by players of RTMP and HTTP as it was sent`, async () => {
      const live = await start(httpConfig());
      const rtmp = await live.player();
      const http = await live.http();
      http.ask('/live/s.flv');
      const peer = await publisher(live, '/live/s.flv', method);
      assert.equal((await http.live()).status, 200);
      for (let at = 0; at < file.length; at += 100) peer.send(chunk(file.subarray(at, at + 100)));
      const media = texts(tags.slice(1));
      assert.deepEqual(texts((await rtmp.media(23)).slice(1)), media);
      assert.deepEqual(texts(await http.flv.media(22)), media);
      peer.send('0\r\n\r\n');
      const answer = await peer.answer();
      assert.equal(answer.status, 200);
      assert.deepEqual(JSON.parse(answer.body.toString()), {
        code: 0,
        data: { bytes: file.length, messages: 22 },
      });
      await peer.closed;
      assert.equal(live.log.matching('type=publish(HTTP-FLV), stream_name=s').length, 1);
      assert.equal(live.log.matching('cleanup when unpublish').length, 1);
    });
  }

  it('with a length, and by HTTPS, ends with the body', async () => {
    const live = await start(httpConfig());
    const peer = await live.http('HTTPS');
    const answer = await peer.get('/live/s.flv', { method: 'POST', body: file });
    assert.equal(answer.status, 200);
    assert.match(answer.body.toString(), /"messages":22/);
    await live.log.until(() => live.log.matching('client finished. time=').length === 1);
  });

  it('is told to go on when it asks first, and not when it may not', async () => {
    const live = await start(httpConfig());
    const peer = await live.http();
    const headers = { Expect: '100-continue', 'Content-Length': `${file.length}` };
    peer.ask('/live/s.flv', { method: 'POST', headers });
    assert.equal((await peer.head()).status, 100);
    peer.send(file);
    assert.equal((await peer.answer()).status, 200);
    await live.publisher('taken');
    peer.ask('/live/taken.flv', { method: 'POST', headers });
    const heads = [await peer.head()];
    if (heads[0]!.status === 100) heads.push(await peer.head());
    assert.equal(heads.at(-1)!.status, 409);
    await peer.closed;
  });

  const damages: [what: string, body: Buffer | string, status: number, reason: RegExp][] = [
    ['no FLV', 'this is not what was asked for', 400, /expected "FLV"/],
    ['nothing', '', 400, /expected a file header/],
    ['an FLV cut in a tag', file.subarray(0, file.length - 9), 400, /expected a whole tag/],
    ['an FLV with damage', Buffer.concat([file, Buffer.alloc(40, 0x77)]), 400, /expected tag type/],
  ];
  for (const [what, body, status, reason] of damages) {
    it(`of ${what} ends with ${status}, and the stream is free again`, async () => {
      const live = await start(httpConfig());
      const peer = await publisher(live);
      if (body.length > 0) peer.send(chunk(body));
      peer.send('0\r\n\r\n');
      const answer = await peer.answer();
      assert.equal(answer.status, status);
      assert.match(answer.body.toString(), reason);
      await live.log.until(() => live.log.matching('client finished. ret=').length === 1);
      assert.equal(live.errors.length, 1);
      await live.publisher();
    });
  }

  it('in chunks that are none ends with 400 at once, after the answers before it', async () => {
    const live = await start(httpConfig());
    const peer = await live.http();
    peer.ask('/none');
    peer.ask('/live/s.flv', { method: 'POST', headers: chunked });
    peer.send(chunk(file));
    await live.log.until(() => live.log.matching('source url=').length === 1);
    peer.send('no chunk');
    assert.deepEqual([(await peer.answer()).status, (await peer.answer()).status], [404, 400]);
    await peer.closed;
    await live.publisher();
  });

  it('without media ends after publish_1stpkt_timeout, with silence after publish_normal_timeout', async () => {
    const timeouts = 'publish_1stpkt_timeout 200; publish_normal_timeout 300;';
    const live = await start(httpConfig({ vhost: timeouts }));
    const silent = await publisher(live);
    assert.equal((await silent.answer()).status, 408);
    const stuck = await publisher(live);
    stuck.send(chunk(file));
    const answer = await stuck.answer();
    assert.equal(answer.status, 408);
    assert.match(answer.body.toString(), /expect the next packet within 300 ms/);
    await live.sockets(0);
  });

  it('of a stream that somebody publishes follows publish_conflict', async () => {
    for (const policy of ['reject', 'auto']) {
      const live = await start(httpConfig({ vhost: `publish_conflict ${policy};` }));
      const holder = await publisher(live);
      holder.send(chunk(file));
      const refused = await live.get('/live/s.flv', { method: 'POST', body: file });
      assert.equal(refused.status, 409);
      const rtmp = await live.client();
      assert.equal((await rtmp.publish('s')).code, 'NetStream.Publish.BadName');
      assert.equal(holder.unread.length, 0);
    }
    const live = await start(httpConfig({ vhost: 'publish_conflict takeover;' }));
    const player = await live.player();
    const first = await publisher(live);
    first.send(chunk(file));
    await player.media(23);
    const second = await publisher(live);
    assert.equal((await first.answer()).status, 409);
    second.send(chunk(file));
    await player.media(22);
    const rtmp = await live.publisher();
    assert.equal((await second.answer()).status, 409);
    rtmp.sendAll(tags.slice(1));
    await player.media(22);
    // And back.
    await publisher(live);
    await rtmp.closed;
  });

  it('that its client breaks off frees the stream', async () => {
    const live = await start(httpConfig());
    for (const end of ['reset', 'close']) {
      const peer = await publisher(live);
      peer.send(chunk(file));
      if (end === 'reset') peer.socket.resetAndDestroy();
      else peer.socket.destroy();
      await live.sockets(0);
    }
    await live.log.until(() => live.log.matching('client disconnect peer').length === 2);
    assert.equal(live.log.matching('cleanup when unpublish').length, 2);
  });

  it('ends with 503 when the server stops', async () => {
    const live = await start(httpConfig());
    const peer = await publisher(live);
    peer.send(chunk(file));
    const player = await live.httpPlayer();
    await player.flv.media(2);
    const stopped = live.server.stop();
    assert.equal((await peer.answer()).status, 503);
    await stopped;
  });

  it('is refused where it is switched off, for other containers, and for names that are no paths', async () => {
    const live = await start(httpConfig({ remux: 'publish off;' }));
    const off = await live.get('/live/s.flv', { method: 'POST', body: file });
    assert.deepEqual([off.status, off.headers.get('allow')], [405, 'GET, HEAD']);
    const other = await start(httpConfig());
    assert.equal((await other.get('/live/s.ts', { method: 'POST', body: file })).status, 405);
    for (const path of [
      '/live/%2e%2e.flv',
      '/live/%252e%252e%252fb.flv',
      '/%252e%252e/s.flv',
      '/live/a%00.flv',
    ]) {
      const { status } = await other.get(path, { method: 'POST', body: file });
      assert.ok([400, 403, 404, 405].includes(status), `${path}: ${status}`);
    }
    assert.equal(other.log.matching('source url=').length, 0);
  });
});
