/** Publishing by HTTP: what ffmpeg and curl post is played over RTMP, and how such a publisher gets along with others. */
import assert from 'node:assert/strict';
import fs from 'node:fs';

import { Client } from './support/client';
import { mediaOf, packetLines, packetsOf, tagLines, tagsOf } from './support/media';
import type { Program } from './support/program';
import { publish, recordAll } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import type { SourceName } from './support/sources';
import { Web } from './support/web';

const REMUX = 'min_latency on; http_remux { enabled on; }';
const VHOSTS = `vhost takeover.test { ${REMUX} publish_conflict takeover; }`;
const BY_FFMPEG: SourceName = 'h264-b-frames-aac.flv';

describe('HTTP publish', () => {
  let sandbox: Sandbox;
  let web: Web;
  let path: string;

  beforeEach(async () => {
    sandbox = new Sandbox();
    path = await source('h264-aac.flv');
    web = await Web.start(sandbox, { vhost: `${REMUX} publish_conflict reject;`, global: VHOSTS });
  });

  afterEach(() => sandbox.close());

  /** Posts a file by ffmpeg in real time. */
  function post(file: string, url: string): Program {
    const input = ['-v', 'error', '-re', '-i', file, '-c', 'copy'];
    const output = ['-f', 'flv', '-flvflags', 'no_duration_filesize', '-method', 'POST', url];
    return sandbox.start('ffmpeg', [...input, ...output]);
  }

  it('relays what is posted by ffmpeg and curl to rtmpdump and ffmpeg', async () => {
    const senders = ['ffmpeg', 'put', 'chunked'] as const;
    const names = { ffmpeg: BY_FFMPEG, put: 'h264-mp3.flv', chunked: 'h264-aac.flv' } as const;
    const recorders = (
      await Promise.all(
        senders.map((name) => recordAll(sandbox, web.srs, name, ['ffmpeg', 'rtmpdump'])),
      )
    ).flat();
    const players = senders.map((name) => web.save(`/live/${name}.flv`, `${name}.curl.flv`));
    await Promise.all(senders.map((name) => web.hasPlayers(name)));
    const files = Object.fromEntries(
      await Promise.all(senders.map(async (name) => [name, await source(names[name])] as const)),
    ) as Record<(typeof senders)[number], string>;
    const posted = post(files.ffmpeg, web.url('/live/ffmpeg.flv'));
    const put = await web.ask('/live/put.flv', '-T', files.put);
    assert.equal(put.status, 200);
    const { code, data } = JSON.parse(put.body) as { code: number; data: { bytes: number } };
    assert.deepEqual([code, data.bytes], [0, fs.statSync(files.put).size]);
    const chunked = await web.ask(
      '/live/chunked.flv',
      ...['-X', 'POST', '-H', 'Transfer-Encoding: chunked', '-H', 'Expect:', '-T', files.chunked],
    );
    assert.equal(chunked.status, 200);
    assert.equal((await posted.succeeds()).stderr, '');
    await web.srs.hasUnpublished(senders.length);
    const { stdout } = await web.srs.stop();
    assert.match(stdout, /client identified, type=publish\(HTTP-FLV\), stream_name=put,/);
    assert.doesNotMatch(stdout, /\[error\]/);
    await Promise.all([...recorders, ...players].map(({ ended }) => ended));

    for (const name of senders) {
      const sent = await packetsOf(files[name]);
      const received = await packetsOf(sandbox.path(`${name}.ffmpeg.flv`));
      for (const kind of ['video', 'audio']) {
        assert.deepEqual(packetLines(received, kind), packetLines(sent, kind), `${kind} ${name}`);
      }
      const lines = tagLines(tagsOf(files[name]));
      assert.deepEqual(tagLines(tagsOf(sandbox.path(`${name}.rtmpdump.flv`))), lines, name);
      assert.deepEqual(tagLines(tagsOf(sandbox.path(`${name}.curl.flv`))), lines, name);
    }
  });

  it('takes an endless body, and relays as it comes', async () => {
    const player = await Client.play(web.srs.port, 'endless');
    const tags = mediaOf(path);
    const sender = sandbox.start('bash', [
      '-c',
      `(cat "$0"; sleep 30) | curl -s -N -T - -H Expect: "$1"`,
      ...[path, web.url('/live/endless.flv')],
    ]);
    await player.receives(tags.length);
    assert.equal(sender.hasEnded, false);
    sender.kill('SIGKILL');
    await web.srs.hasUnpublished();
    assert.deepEqual(tagLines(player.tags), tagLines(tags));
    await web.program.prints(/\[warn\].* client disconnect peer\. ret=1004/);
    player.close();
    await web.srs.stop();
  });

  it('is refused a stream that is busy, and keeps others from its own', async () => {
    const first = await Client.publish(web.srs.port, 'busy');
    const refused = await web.ask('/live/busy.flv', '-T', path);
    assert.equal(refused.status, 409);
    assert.match(
      refused.body,
      /^stream __defaultVhost__\/live\/busy is already published by id=\d+/,
    );
    first.close();
    await web.srs.hasUnpublished();

    const posted = post(path, web.url('/live/mine.flv'));
    await web.program.prints(/type=publish\(HTTP-FLV\), stream_name=mine,/);
    const second = await publish(sandbox, path, web.rtmp('mine')).ended;
    assert.match(second.stderr, /live\/mine is already published by id=\d+/);
    assert.equal((await web.ask('/live/mine.flv', '-T', path)).status, 409);
    posted.kill('SIGKILL');
    await web.srs.hasUnpublished(2);
    await web.srs.stop();
  });

  it('takes a stream over, and is taken over from, where that is allowed', async () => {
    const vhost = '?vhost=takeover.test';
    const player = await Client.play(web.srs.port, `t${vhost}`);
    const tags = mediaOf(path);
    const first = await Client.publish(web.srs.port, `t${vhost}`);
    first.send(tags.slice(0, 20));
    await player.receives(20);
    const posted = post(path, web.url(`/live/t.flv${vhost}`));
    await first.until('its end', () => first.statuses.some((one) => one.includes('replaced by')));
    await player.receives(60);
    const last = await Client.publish(web.srs.port, `t${vhost}`);
    last.send(tags);
    posted.kill('SIGKILL');
    await player.until(
      'the last',
      () => player.tags.at(-1)?.payload.equals(tags.at(-1)!.payload) === true,
    );
    last.close();
    await web.srs.hasUnpublished(3);
    const { stdout } = await web.srs.stop();
    assert.match(stdout, /publish ends, .*replaced by id=\d+, ret=1028/);
    const payloads = player.tags.map(({ payload }) => payload.toString('base64'));
    assert.deepEqual(
      payloads.slice(-tags.length),
      tags.map(({ payload }) => payload.toString('base64')),
    );
  });

  it('says what is wrong with a body, after all before it was relayed', async () => {
    const player = await Client.play(web.srs.port, 'd');
    const whole = fs.readFileSync(path);
    const tags = mediaOf(path);
    const count = 20;
    const size = tags.slice(0, count).at(-1)!.payload;
    const end = whole.indexOf(size) + size.length + 4;
    fs.writeFileSync(
      sandbox.path('damaged'),
      Buffer.concat([whole.subarray(0, end), Buffer.alloc(99, 0xff)]),
    );
    fs.writeFileSync(sandbox.path('short'), whole.subarray(0, end - 40));
    const damaged = await web.ask('/live/d.flv', '--data-binary', '@damaged');
    assert.equal(damaged.status, 400);
    assert.match(damaged.body, new RegExp(`\\b${end}\\b`));
    await player.receives(count);
    assert.deepEqual(tagLines(player.tags), tagLines(tags.slice(0, count)));
    const short = await web.ask('/live/d.flv', '--data-binary', '@short');
    assert.equal(short.status, 400);
    assert.match(short.body, /truncated/);
    await player.receives(2 * count - 1);
    sandbox.write('text', 'this is no video');
    assert.equal((await web.ask('/live/d.flv', '-T', 'text')).status, 400);
    assert.equal((await web.ask('/live', '-X', 'POST', '-d', 'x')).status, 405);
    assert.equal((await web.ask('/live/x.mp4', '-T', 'text')).status, 405);
    player.close();
    await web.srs.stop();
  });
});
