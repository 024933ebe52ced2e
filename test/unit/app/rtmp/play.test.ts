import assert from 'node:assert/strict';

import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { encodeCommand, streamRoute } from '../../../../src/rtmp/packets/command';
import { encodePause, encodePlay } from '../../../../src/rtmp/packets/play';
import { encodeCreateStream } from '../../../../src/rtmp/packets/stream';
import type { TestClient } from '../../../support/test-client';

import { Harness } from './harness';

const closeStream = encodeCommand(streamRoute(1), 'closeStream', 0, null);

describe('a player', () => {
  it('is answered and waits for a stream that nobody publishes', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play();
    assert.deepEqual(client.takeReplies().slice(2), [
      '_result',
      'NetStream.Play.Reset',
      'NetStream.Play.Start',
    ]);
    assert.deepEqual(harness.streamLog.calls, ['attach 1 350']);
    assert.deepEqual(client.socket.timeouts, [0, 30_000]);
    assert.deepEqual(harness.log.lines.slice(2), [
      'trace 100 client identified, type=Play, stream_name=s, duration=-1',
      'trace 100 source url=__defaultVhost__/live/s, ip=192.0.2.9, cache=1, is_edge=0, source_id=-1[-1]',
    ]);
  });

  it('is told which publisher it plays', () => {
    const harness = new Harness();
    harness.client().publish();
    harness.client().play();
    assert.equal(harness.log.matching('trace 101 source url=').length, 1);
    assert.equal(harness.log.matching('source_id=100[100]').length, 1);
  });

  for (const [directives, flushMs] of [
    ['mw_latency 100;', 100],
    ['mw_latency 0;', 0],
    ['min_latency on;', 0],
    ['min_latency on; send_min_interval 10.5;', 11],
  ] as const) {
    it(`is flushed every ${flushMs} ms with "${directives}"`, () => {
      const harness = new Harness(`vhost __defaultVhost__ { ${directives} }`);
      harness.client().play();
      assert.deepEqual(harness.streamLog.calls, [`attach 1 ${flushMs}`]);
    });
  }

  it('is sent small packets at once, unless told otherwise', () => {
    for (const [directives, expected] of [
      ['', true],
      ['tcp_nodelay off;', false],
    ] as const) {
      const client = new Harness(`vhost __defaultVhost__ { ${directives} }`).client();
      client.play();
      assert.equal(client.socket.isNoDelay, expected);
    }
  });

  it('gets the chunk size of the stream before the answer', () => {
    const harness = new Harness('vhost __defaultVhost__ { chunk_size 4096; }');
    const client = harness.client();
    client.play();
    const sizes = client.socket.written.filter((bytes) => bytes[0] === 2 && bytes[7] === 1);
    assert.deepEqual(
      sizes.map((bytes) => bytes.readUInt32BE(12)),
      [4096],
    );
    assert.equal(harness.streamLog.options.chunkSize, 4096);
  });

  it('pauses and goes on', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play();
    client.takeReplies();
    client.send(encodePause(1, true, 0));
    client.send(encodePause(1, false, 0));
    assert.deepEqual(client.takeReplies(), ['NetStream.Pause.Notify', 'NetStream.Unpause.Notify']);
    assert.deepEqual(harness.streamLog.calls.slice(1), ['setPaused true', 'setPaused false']);
  });

  it('may close its stream and play another', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play('a');
    client.send(closeStream);
    assert.deepEqual(client.socket.timeouts, [1_800_000, 1_800_000]);
    assert.equal(harness.streamLog.players.size, 0);
    client.send(encodeCreateStream(3));
    client.send(encodePlay(1, 'b'));
    assert.deepEqual(
      harness.streamLogs.map((log) => log.players.size),
      [0, 1],
    );
  });

  it('may come and go twenty times in ten seconds, not more', () => {
    const harness = new Harness();
    const client = harness.client();
    client.connect();
    let plays = 0;
    while (!client.socket.isEnded && plays < 100) {
      harness.clock.advance(100);
      client.takeReplies();
      client.send(encodePlay(1, `s${plays++}`));
      client.send(closeStream);
    }
    assert.ok(plays >= 10 && plays <= 20, `${plays} plays`);
    assert.deepEqual(client.takeReplies(), ['NetStream.Play.Failed']);
    assert.deepEqual(
      harness.log.lines.filter((line) => line.startsWith('error')),
      [
        'error 100 play refused, expect at most 10 plays and publishes at once, ' +
          'then one per 1000 ms, ret=1020',
      ],
    );
    assert.deepEqual([...harness.hub.sources], []);
  });

  it('may zap through streams once a second for as long as it likes', () => {
    const harness = new Harness();
    const client = harness.client();
    client.connect();
    for (let i = 0; i < 100; i++) {
      harness.clock.advance(1000);
      client.send(encodePlay(1, `s${i}`));
      client.send(closeStream);
    }
    assert.ok(!client.socket.isEnded);
  });

  it('may publish after it has played', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play();
    client.send(closeStream);
    client.publishAgain();
    assert.equal(
      harness.hub.find({ vhost: '__defaultVhost__', app: 'live', stream: 's' })?.sourceId,
      100,
    );
  });

  it('ends after the duration it asked for, the connection staying', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play('s', 5000);
    client.takeReplies();
    assert.deepEqual(harness.streamLog.calls, ['attach 1 350', 'setDurationLimit 5000']);
    client.socket.handler?.onPlayEnd?.();
    client.socket.handler?.onPlayEnd?.();
    assert.deepEqual(client.takeReplies(), ['NetStream.Play.Stop']);
    assert.equal(harness.streamLog.players.size, 0);
    assert.ok(!client.socket.isEnded);
  });

  it('leaves the stream when its connection is gone', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play();
    client.socket.close();
    assert.equal(harness.streamLog.players.size, 0);
    const name = { vhost: '__defaultVhost__', app: 'live', stream: 's' };
    assert.equal(harness.hub.find(name), undefined, 'nobody published it: nothing is kept');
  });

  it('leaves a stream that was published for those who come back', () => {
    const harness = new Harness();
    const publisher = harness.client();
    publisher.publish();
    publisher.socket.close();
    const client = harness.client();
    client.play();
    client.socket.close();
    const name = { vhost: '__defaultVhost__', app: 'live', stream: 's' };
    assert.ok(harness.hub.find(name)?.isIdle);
  });

  it('is refused under a name that is too long', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play('s'.repeat(2049));
    assert.equal(client.takeReplies().at(-1), 'NetStream.Play.StreamNotFound');
    assert.equal(harness.log.matching('stream may have 2048 characters, got 2049').length, 1);
  });

  it('is refused by the refer rule before it is answered', () => {
    const harness = new Harness('vhost __defaultVhost__ { refer_play github.com; }');
    const client = harness.client();
    client.play();
    assert.equal(client.takeReplies().at(-1), 'NetStream.Play.Failed');
    assert.equal(harness.log.matching('play refused, refer rule denies').length, 1);
    assert.ok(client.socket.isEnded);
  });

  it('is refused without a stream name', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play('');
    assert.equal(client.takeReplies().at(-1), 'NetStream.Play.StreamNotFound');
    assert.equal(harness.log.matching('ret=2050').length, 1);
  });

  it('sends media in vain', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play();
    client.sendMedia(9, 0, Buffer.from([0x17, 1]));
    assert.deepEqual(harness.streamLog.messages, []);
  });
});

describe('a player that is another server', () => {
  const args = AmfObject.of({ srs_pid: 7, srs_id: 100, srs_version: '2.1.0', srs_server_ip: '192.0.2.1' }); // prettier-ignore

  /** Plays as an edge does. */
  function playAsServer(harness: Harness): TestClient {
    const client = harness.client();
    client.connect({ args });
    client.send(encodeCreateStream(2));
    client.send(encodePlay(1, 's'));
    return client;
  }

  it('is logged, and sent each message at once, whatever its vhost merges', () => {
    const harness = new Harness();
    playAsServer(harness);
    assert.deepEqual(harness.streamLog.calls, ['attach 1 0']);
    const lines = harness.log.matching('edge-srs');
    assert.deepEqual(lines, ['trace 100 edge-srs ip=192.0.2.1, version=2.1.0, pid=7, id=100']);
  });

  it('is merged for like any player when there are 256 others', () => {
    const harness = new Harness();
    const publisher = harness.client();
    publisher.publish();
    const clients = Array.from({ length: 257 }, () => playAsServer(harness));
    const attached = harness.streamLog.calls.filter((call) => call.startsWith('attach'));
    assert.deepEqual(attached.slice(254), ['attach 1 0', 'attach 1 0', 'attach 1 350']);
    publisher.socket.close();
    const flushed = harness.streamLog.calls.filter((call) => call.startsWith('setFlushMs'));
    assert.deepEqual(flushed.slice(-2), ['setFlushMs 0', 'setFlushMs 350']);
    clients[0]!.socket.close();
    playAsServer(harness);
    const [last] = harness.streamLog.calls.filter((call) => call.startsWith('attach')).slice(-1);
    assert.equal(last, 'attach 1 0');
  });

  it('is told when the publisher comes and leaves, after the last of its media', () => {
    const harness = new Harness();
    const client = playAsServer(harness);
    assert.deepEqual(client.takeReplies().slice(-1), ['NetStream.Play.UnpublishNotify']);
    const publisher = harness.client();
    publisher.publish();
    assert.deepEqual(client.takeReplies(), ['NetStream.Play.PublishNotify']);
    publisher.socket.close();
    assert.deepEqual(client.takeReplies(), ['NetStream.Play.UnpublishNotify']);
    assert.deepEqual(harness.streamLog.calls.slice(1, 3), ['setFlushMs 0', 'reset']);
    client.socket.close();
    harness.client().publish();
    assert.deepEqual(client.takeReplies(), []);
  });

  it('is the only one that is told', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play();
    client.takeReplies();
    harness.client().publish();
    assert.deepEqual(client.takeReplies(), []);
  });
});
