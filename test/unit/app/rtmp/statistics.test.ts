import assert from 'node:assert/strict';

import sinon from 'sinon';

import type { ClientStats } from '../../../../src/app/stats/stat-types';
import { Statistics } from '../../../../src/app/stats/statistics';
import { ErrorCode } from '../../../../src/core/errors';
import { encodeCommand, streamRoute } from '../../../../src/rtmp/packets/command';
import { encodePlay } from '../../../../src/rtmp/packets/play';
import { encodePublish } from '../../../../src/rtmp/packets/publish';
import { encodeCreateStream, encodeFmle } from '../../../../src/rtmp/packets/stream';
import { ManualClock } from '../../../support/fakes/manual-clock';

import { Harness } from './harness';

const CLOSE_STREAM = encodeCommand(streamRoute(1), 'closeStream', 0, null);
const SHOWN = 'kicked by an operator, too loud';

describe('RTMP clients in statistics', () => {
  let statistics: Statistics;
  let harness: Harness;
  beforeEach(() => {
    statistics = new Statistics(new ManualClock(), 1);
    harness = new Harness('vhost __defaultVhost__ {} vhost b.com {}', undefined, { statistics });
  });

  const seen = (): ClientStats[] => statistics.clients(0, 10);
  const only = (): ClientStats => {
    const [one, ...others] = seen();
    assert.ok(one);
    assert.deepEqual(others, []);
    return one;
  };

  it('are those that play and publish, with the names of the moment they began', () => {
    const client = harness.client();
    client.connect({
      tcUrl: 'rtmp://h/live?vhost=b.com',
      pageUrl: 'http://p/',
      swfUrl: 'http://w',
    });
    assert.deepEqual(seen(), []);
    client.publishAgain('s?token=1');
    const { client: publisher, player } = only();
    assert.deepEqual(
      [publisher.id, publisher.ip, publisher.protocol, publisher.type, publisher.isPublisher],
      [100, '192.0.2.9', 'rtmp', 'fmle-publish', true],
    );
    assert.equal(player, undefined);
    assert.deepEqual(publisher.names, {
      vhost: 'b.com',
      app: 'live',
      stream: 's',
      param: '?token=1',
      tcUrl: 'rtmp://h/live?vhost=b.com',
      pageUrl: 'http://p/',
      swfUrl: 'http://w',
    });
    harness.client().play('s');
    const [, { client: other, player: figures } = only()] = seen();
    assert.deepEqual([other.type, other.isPublisher], ['Play', false]);
    assert.deepEqual(figures, { messages: 0, dropped: 0, lagMs: 0, jumps: 0 });
  });

  it('are named by the way they publish', () => {
    const flash = harness.client();
    flash.connect();
    flash.send(encodeCreateStream(2));
    flash.send(encodePublish(1, 'flash'));
    const haivision = harness.client();
    haivision.connect();
    haivision.send(encodeCreateStream(2));
    haivision.send(encodeFmle('FCPublish', 3, 'h'));
    haivision.send(encodePublish(1, 'h'));
    const types = seen().map(({ client }) => client.type);
    assert.deepEqual(types, ['flash-publish', 'haivision-publish']);
  });

  it('are there as long as they play, again with the next stream, and gone with the connection', () => {
    const client = harness.client();
    client.play('a');
    client.send(CLOSE_STREAM);
    assert.deepEqual(seen(), []);
    client.send(encodeCreateStream(5));
    client.send(encodePlay(1, 'b'));
    assert.equal(only().client.names.stream, 'b');
    client.socket.close();
    assert.deepEqual(seen(), []);
  });

  it('count each byte of a connection once, that of the handshake too', () => {
    const client = harness.client();
    client.publish('a');
    const first = client.socket.bytesReceived;
    assert.equal(only().recvBytes, first);
    client.send(encodeFmle('FCUnpublish', 6, 'a'));
    const before = client.socket.bytesReceived;
    client.publishAgain('b');
    assert.equal(only().client.bytesReceived(), client.socket.bytesReceived - before);
    client.socket.close();
    const { recvBytes, sendBytes } = statistics.server();
    assert.deepEqual(
      [recvBytes, sendBytes],
      [client.socket.bytesReceived, client.socket.bytesSent],
    );
  });

  it('leave the place of the publisher to the one who takes it over', () => {
    harness = new Harness('vhost __defaultVhost__ { publish_conflict takeover; }', undefined, {
      statistics,
    });
    harness.client().publish();
    harness.client().publish();
    assert.equal(only().client.id, 101);
    assert.deepEqual(
      statistics.streams().map(({ publisherId, players }) => [publisherId, players]),
      [[101, 0]],
    );
  });

  describe('that an operator ends', () => {
    it('are told why when they publish, and free the stream', () => {
      const client = harness.client();
      client.publish();
      client.takeReplies();
      assert.equal(statistics.kick(100, 'too loud'), true);
      assert.ok(Buffer.concat(client.socket.written).includes(SHOWN));
      assert.deepEqual(client.takeReplies(), ['NetStream.Publish.Denied']);
      assert.deepEqual(seen(), []);
      assert.equal([...harness.hub.sources][0]?.publisher, undefined);
      assert.ok(client.socket.isEnded);
      assert.deepEqual(client.socket.timeouts, [0, 3000]);
      assert.deepEqual(harness.log.matching(SHOWN), [`warn 100 client is closed, ${SHOWN}`]);
      assert.equal(statistics.kick(100, 'again'), false);
      client.socket.close();
      const code = ErrorCode.USER_DISCONNECT;
      assert.equal(harness.log.matching(`trace 100 client finished. ret=${code}, `).length, 1);
    });

    it('are told why when they play, and get no more of the stream', () => {
      const client = harness.client();
      client.play();
      client.takeReplies();
      statistics.kick(100, 'too loud');
      assert.deepEqual(client.takeReplies(), ['NetStream.Play.Failed']);
      assert.ok(Buffer.concat(client.socket.written).includes(SHOWN));
      assert.equal(harness.streamLog.players.size, 0);
      assert.ok(client.socket.isEnded);
      client.socket.close();
      assert.deepEqual(harness.log.matching(SHOWN).length, 1);
    });

    it('are closed in 3 seconds though they take nothing', () => {
      const time = sinon.useFakeTimers();
      try {
        const client = harness.client();
        client.play();
        client.socket.pendingBytes = 100;
        statistics.kick(100, 'too loud');
        assert.deepEqual(seen(), []);
        assert.equal(client.socket.isEnded, false);
        time.tick(3000);
        assert.ok(client.socket.isDestroyed);
      } finally {
        time.restore();
      }
    });

    it('can say what they like, it changes nothing', () => {
      const client = harness.client();
      client.publish();
      statistics.kick(100, '');
      client.publishAgain('other');
      client.sendMedia(9, 0, Buffer.from('1701', 'hex'));
      assert.deepEqual(seen(), []);
      assert.deepEqual(harness.streamLog.messages, []);
      assert.equal(harness.log.matching('client is closed, kicked by an operator').length, 1);
    });
  });
});
