/** Publishers that want the same stream, as ffmpeg is told of it and as players see it. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';

import { Client } from './support/client';
import { mediaOf, packetsOf, tagLines } from './support/media';
import { publish, record } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Srs } from './support/srs';

/** Sends bytes and leaves, whatever the server answers. */
function say(port: number, bytes: Buffer): void {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.resume().end(bytes);
}

describe('publishers', () => {
  let sandbox: Sandbox;
  let path: string;

  beforeEach(async () => {
    sandbox = new Sandbox();
    path = await source('h264-aac.flv');
  });

  afterEach(() => sandbox.close());

  it('are refused a busy stream with reject, and told why', async () => {
    const server = await Srs.start(sandbox, { vhost: 'publish_conflict reject;' });
    const player = await Client.play(server.port, 's');
    const first = publish(sandbox, path, server.url('s'));
    await player.receives(10);
    const second = await publish(sandbox, path, server.url('s')).ended;
    assert.notEqual(second.status, 0);
    assert.match(second.stderr, /stream __defaultVhost__\/live\/s is already published by id=\d+/);
    await first.succeeds();
    await server.hasUnpublished();
    const { stdout } = await server.stop();
    assert.match(stdout, /\[error\].* publish refused, stream .* ret=1028\n/);
    const sent = await packetsOf(path);
    // Both sequence headers, all frames, and the end of the sequence.
    assert.equal(player.tags.length, 2 + sent.length + 1);
  });

  it('replace the one before them with takeover, and players stay', async () => {
    const server = await Srs.start(sandbox, { vhost: 'publish_conflict takeover;' });
    const recorder = record(sandbox, 'ffmpeg', server.url('s'), 's.flv');
    const player = await Client.play(server.port, 's');
    await server.hasPlayers('s', 2);
    const first = publish(sandbox, path, server.url('s'));
    await player.receives(80);
    const second = publish(sandbox, path, server.url('s'));
    const replaced = await first.ended;
    assert.match(replaced.stderr, /replaced by id=\d+/);
    assert.notEqual(replaced.status, 0);
    await second.succeeds();
    await server.hasUnpublished(2);
    await server.stop();
    await recorder.ended;

    const sent = (await packetsOf(path)).map((packet) => packet.data_hash);
    const received = await packetsOf(sandbox.path('s.flv'));
    const hashes = received.map((packet) => packet.data_hash);
    assert.deepEqual(hashes.slice(-sent.length), sent);
    const before = hashes.slice(0, -sent.length);
    assert.ok(before.length > 70);
    assert.deepEqual(before, sent.slice(0, before.length));
    assert.equal(tagLines(player.tags).length, 2 * 2 + hashes.length);
  });

  it('that say nothing useful get one line of the reason, and the server goes on', async () => {
    const server = await Srs.start(sandbox);
    const handshake = Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * 1536)]);
    say(server.port, Buffer.alloc(4096, 'x'));
    say(server.port, Buffer.alloc(700, 3));
    say(server.port, Buffer.concat([handshake, Buffer.alloc(2000, 0xff)]));
    await sandbox.run('curl', ['-s', '-m', '20', `http://127.0.0.1:${server.port}/`]);
    await server.program.prints(/client (finished|disconnect peer)\. ret=/, 4);

    const player = await Client.play(server.port, 's');
    const tags = mediaOf(path);
    (await Client.publish(server.port, 's')).send(tags);
    await player.receives(tags.length);
    const { stdout } = await server.stop();
    assert.match(stdout, /expected RTMP version 3, got 120, ret=2000\n/);
    assert.match(stdout, /expected RTMP version 3, got 71 \('G'\): an HTTP peer\?, ret=2000\n/);
    assert.match(
      stdout,
      /expect fmt 0 for the first chunk of chunk stream 63, got fmt 3, ret=2001\n/,
    );
    assert.match(stdout, /\[warn\].* client disconnect peer\. ret=1004, time=\d+, received=700, /);
    assert.equal(stdout.match(/\[error\]/g)?.length, 3);
  });
});
