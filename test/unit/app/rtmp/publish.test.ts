import assert from 'node:assert/strict';

import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../../../src/rtmp/amf0-writer';
import { encodeCommand, streamRoute } from '../../../../src/rtmp/packets/command';
import { encodePublish } from '../../../../src/rtmp/packets/publish';
import { encodeCreateStream, encodeFmle } from '../../../../src/rtmp/packets/stream';
import { avcHeader, keyFrame } from '../../../support/media-bodies';

import { Harness } from './harness';

const VIDEO = 9;
const DATA = 18;

describe('a publisher', () => {
  it('is answered, logged and fed into its stream', () => {
    const harness = new Harness();
    const client = harness.client();
    client.publish('s?token=secret');
    assert.deepEqual(client.takeReplies().slice(2), [
      '_result',
      '_result',
      '_result',
      'onFCPublish NetStream.Publish.Start',
      'NetStream.Publish.Start',
    ]);
    client.sendMetadata(AmfObject.of({ width: 16 }));
    client.sendMedia(VIDEO, 0, avcHeader);
    client.sendMedia(VIDEO, 40, keyFrame);
    assert.deepEqual(
      harness.streamLog.messages.map(({ type, timestamp, slot }) => [type, timestamp, slot]),
      [
        [DATA, 0, 0],
        [VIDEO, 0, 1],
        [VIDEO, 40, -1],
      ],
    );
    assert.deepEqual(harness.streamLog.messages[2]?.body, keyFrame);
    const [, , identified, source, metadata, header] = harness.log.lines;
    assert.deepEqual(
      [identified, source, metadata],
      [
        'trace 100 client identified, type=publish(FMLEPublish), stream_name=s, duration=-1',
        'trace 100 source url=__defaultVhost__/live/s, ip=192.0.2.9, cache=1, is_edge=0, source_id=-1[-1]',
        'trace 100 got metadata, width=16',
      ],
    );
    assert.match(header ?? '', /^trace 100 \d+B video sh, codec\(7, H264/);
  });

  it('has a limit for its first packet, then another', () => {
    const harness = new Harness(
      'vhost __defaultVhost__ { publish_1stpkt_timeout 7000; publish_normal_timeout 9000; }',
    );
    const client = harness.client();
    client.publish();
    assert.deepEqual(client.socket.timeouts, [7000, 30_000]);
    client.sendMedia(VIDEO, 0, keyFrame);
    assert.deepEqual(client.socket.timeouts, [9000, 30_000]);
  });

  for (const [what, directives, expected] of [
    ['merges reads when told so', 'mr { enabled on; latency 250; }', 250],
    ['is read every 20 ms while its players are flushed every 350', '', 20],
    ['is read more often when its players are flushed more often', 'mw_latency 96;', 6],
    ['is read at once when its players are flushed at once', 'mw_latency 0;', 0],
    ['reads at once with min_latency', 'min_latency on; mr { enabled on; latency 250; }', 0],
  ] as const) {
    it(what, () => {
      const harness = new Harness(`vhost __defaultVhost__ { ${directives} }`);
      const client = harness.client();
      client.publish();
      assert.equal(client.socket.mergedReadMs, expected);
    });
  }

  it('may unpublish and publish another stream on the same connection', () => {
    const harness = new Harness();
    const client = harness.client();
    client.publish('a');
    client.sendMedia(VIDEO, 0, keyFrame);
    client.takeReplies();
    client.send(encodeFmle('FCUnpublish', 5, 'a'));
    assert.deepEqual(client.takeReplies(), [
      'onFCUnpublish NetStream.Unpublish.Success',
      '_result',
      'NetStream.Unpublish.Success',
    ]);
    assert.deepEqual(client.socket.timeouts, [180_000, 180_000]);
    assert.equal(harness.log.matching('cleanup when unpublish').length, 1);
    client.publishAgain('b');
    client.sendMedia(VIDEO, 0, keyFrame);
    assert.deepEqual(
      harness.streamLogs.map((log) => log.messages.length),
      [1, 1],
    );
    client.socket.close();
    assert.equal(harness.log.matching('cleanup when unpublish').length, 2);
  });

  it('may play after it has published', () => {
    const harness = new Harness();
    const client = harness.client();
    client.publish();
    client.send(encodeFmle('FCUnpublish', 5, 's'));
    client.takeReplies();
    client.send(encodeCommand(streamRoute(1), 'play', 0, null, 's'));
    assert.equal(client.takeReplies().includes('NetStream.Play.Start'), true);
    assert.equal(harness.streamLog.players.size, 1);
  });

  it('in Flash style is named so', () => {
    const harness = new Harness();
    const client = harness.client();
    client.connect();
    client.send(encodeCreateStream(2));
    client.send(encodePublish(1, 's'));
    assert.equal(harness.log.matching('type=publish(FlashPublish)').length, 1);
  });

  it('without a stream name is refused', () => {
    const harness = new Harness();
    const client = harness.client();
    client.connect();
    client.send(encodeCreateStream(2));
    client.send(encodePublish(1, ''));
    assert.equal(client.takeReplies().at(-1), 'NetStream.Publish.BadName');
    assert.equal(harness.log.matching('ret=2050').length, 1);
    assert.ok(client.socket.isEnded);
  });

  it('is refused by the refer rule', () => {
    const harness = new Harness('vhost __defaultVhost__ { refer_publish github.com; }');
    const client = harness.client();
    client.publish();
    assert.equal(client.takeReplies().at(-1), 'NetStream.Publish.Denied');
    assert.equal(harness.log.matching('publish refused, refer rule denies').length, 1);
    assert.equal(harness.streamLogs.length, 0);
  });

  it('comes to the vhost that its stream name asks for', () => {
    const harness = new Harness('vhost __defaultVhost__ {} vhost v.com {}');
    harness.client().publish('s?vhost=v.com');
    assert.equal(harness.log.matching('source url=v.com/live/s').length, 1);
    const other = new Harness('vhost host {}');
    const client = other.client();
    client.publish('s?vhost=unknown');
    assert.equal(client.takeReplies().at(-1), 'NetStream.Publish.BadName');
    assert.equal(other.log.matching('ret=2014').length, 1);
  });

  it('has other data relayed, except what is meant for the server', () => {
    const harness = new Harness();
    const client = harness.client();
    client.publish();
    client.sendMedia(DATA, 0, encodeAmf0('onTextData', AmfObject.of({ text: 'x' })));
    client.sendMedia(DATA, 0, encodeAmf0('@clearDataFrame', 'onMetaData'));
    client.sendMedia(DATA, 0, encodeAmf0('|RtmpSampleAccess', true, true));
    client.sendMedia(DATA, 0, encodeAmf0(''));
    assert.deepEqual(
      harness.streamLog.messages.map(({ type, slot }) => [type, slot]),
      [[DATA, -1]],
    );
  });

  it('that sends a damaged aggregate is closed with the code', () => {
    const harness = new Harness();
    const client = harness.client();
    client.publish();
    client.sendMedia(22, 0, Buffer.from('0900ffff000000000000', 'hex'));
    assert.ok(client.socket.isDestroyed);
    assert.match(harness.log.matching('serve client failed')[0] ?? '', /ret=2024$/);
    assert.equal(
      harness.hub.find({ vhost: '__defaultVhost__', app: 'live', stream: 's' })?.sourceId,
      -1,
    );
  });

  it('tells what it does in the status line', () => {
    const harness = new Harness('vhost __defaultVhost__ { mr { enabled on; } }');
    const client = harness.client();
    client.publish();
    const source = harness.hub.find({ vhost: '__defaultVhost__', app: 'live', stream: 's' });
    harness.clock.advance(10_000);
    const publisher = source?.publisher as unknown as { statusLine(nowMs: number): string };
    assert.match(
      publisher.statusLine(harness.clock.nowMs()),
      /^<- CPB time=10000, okbps=\d+,\d+,\d+, ikbps=\d+,\d+,\d+, mr=1\/350$/,
    );
  });
});

describe('a second publisher', () => {
  const both = (policy: string, silentMs: number): { harness: Harness; replies: string[][] } => {
    const harness = new Harness(`vhost __defaultVhost__ { ${policy} }`);
    const first = harness.client();
    const player = harness.client();
    first.publish();
    player.play();
    first.takeReplies();
    harness.clock.advance(silentMs);
    const second = harness.client();
    second.publish();
    second.sendMedia(VIDEO, 0, keyFrame);
    const replies = [first.takeReplies(), second.takeReplies().slice(-1)];
    assert.equal(first.socket.isEnded, replies[0]?.length === 1);
    assert.equal(player.socket.isEnded, false);
    assert.equal(harness.streamLog.players.size, 1);
    first.socket.close();
    return { harness, replies };
  };

  for (const [policy, silentMs] of [
    ['publish_conflict reject;', 60_000],
    ['publish_conflict auto;', 2999],
    ['', 0],
  ] as const) {
    it(`is refused with "${policy}" after ${silentMs} ms of silence`, () => {
      const { harness, replies } = both(policy, silentMs);
      assert.deepEqual(replies, [[], ['NetStream.Publish.BadName']]);
      assert.deepEqual(harness.log.matching('publish refused'), [
        'error 102 publish refused, stream __defaultVhost__/live/s is already published by id=100, ret=1028',
      ]);
      assert.equal(harness.streamLog.messages.length, 0);
    });
  }

  for (const [policy, silentMs] of [
    ['publish_conflict takeover;', 0],
    ['publish_conflict auto;', 3000],
    ['publish_conflict_idle 10;', 10_000],
  ] as const) {
    it(`replaces the first with "${policy}" after ${silentMs} ms of silence, players staying`, () => {
      const { harness, replies } = both(policy, silentMs);
      assert.deepEqual(replies, [['NetStream.Publish.BadName'], ['NetStream.Publish.Start']]);
      assert.deepEqual(harness.log.matching('publish refused'), [
        'error 100 publish refused, replaced by id=102, ret=1028',
      ]);
      assert.equal(harness.streamLog.messages.length, 1);
      const source = harness.hub.find({ vhost: '__defaultVhost__', app: 'live', stream: 's' });
      assert.equal(source?.sourceId, 102);
    });
  }
});
