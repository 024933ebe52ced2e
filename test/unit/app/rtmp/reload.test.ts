import assert from 'node:assert/strict';

import { Config } from '../../../../src/app/config/config';
import type { VhostOptions } from '../../../../src/app/config/config';
import { keyFrame } from '../../../support/media-bodies';

import { Harness } from './harness';

function vhost(options: string, name = '__defaultVhost__'): VhostOptions {
  return Config.parse(`listen 1935; vhost ${name} { ${options} }`, 'test.conf').vhosts[0]!;
}

describe('RTMP clients of a vhost whose options change', () => {
  it('are flushed at another interval, and only then told so', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play();
    harness.service.setVhost(vhost('mw_latency 350; queue_length 5;'));
    assert.deepEqual(harness.streamLog.calls, ['attach 1 350']);
    harness.service.setVhost(vhost('mw_latency 100; tcp_nodelay off;'));
    harness.service.setVhost(vhost('min_latency on; send_min_interval 10.5; tcp_nodelay off;'));
    assert.deepEqual(harness.streamLog.calls, ['attach 1 350', 'setFlushMs 100', 'setFlushMs 11']);
    assert.equal(client.socket.isNoDelay, false);
  });

  it('may be silent for another time, before the first packet and after it', () => {
    const harness = new Harness();
    const client = harness.client();
    client.publish();
    const options = (first: number): VhostOptions =>
      vhost(`publish_1stpkt_timeout ${first}; publish_normal_timeout 9000;`);
    harness.service.setVhost(options(7000));
    assert.deepEqual(client.socket.timeouts, [7000, 30_000]);
    client.sendMedia(9, 0, keyFrame);
    assert.deepEqual(client.socket.timeouts, [9000, 30_000]);
    harness.service.setVhost(options(8000));
    assert.deepEqual(client.socket.timeouts, [9000, 30_000]);
  });

  it('are read at another interval', () => {
    const harness = new Harness();
    const client = harness.client();
    client.publish();
    const options = 'mr { enabled on; latency 250; }';
    harness.service.setVhost(vhost(options));
    assert.equal(client.socket.mergedReadMs, 250);
    harness.service.setVhost(vhost(`${options} min_latency on;`));
    assert.equal(client.socket.mergedReadMs, 0);
  });

  it('are left alone when it is another vhost', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play();
    harness.service.setVhost(vhost('mw_latency 0; tcp_nodelay off;', 'a.com'));
    assert.deepEqual(harness.streamLog.calls, ['attach 1 350']);
    assert.equal(client.socket.isNoDelay, true);
  });
});

describe('RTMP clients of a vhost that goes', () => {
  const reason = 'vhost __defaultVhost__ was removed by a reload';

  it('are told why by what they do, and closed', () => {
    const harness = new Harness();
    const [publisher, player, idle] = [harness.client(), harness.client(), harness.client()];
    publisher.publish();
    player.play();
    idle.connect();
    for (const client of [publisher, player, idle]) client.takeReplies();
    harness.service.closeVhost('__defaultVhost__', reason);
    assert.ok(publisher.takeReplies().includes('NetStream.Publish.Denied'));
    assert.ok(player.takeReplies().includes('NetStream.Play.Failed'));
    for (const { socket } of [publisher, player, idle]) assert.ok(socket.isEnded);
    assert.equal(harness.log.matching(`warn 100 client is closed, ${reason}`).length, 1);
    assert.equal(harness.hub.find({ vhost: '__defaultVhost__', app: 'live', stream: 's' })?.isIdle, true); // prettier-ignore
    for (const { socket } of [publisher, player, idle]) socket.close();
    assert.equal(harness.service.size, 0);
  });

  it('are no others', () => {
    const harness = new Harness();
    const client = harness.client();
    client.play();
    harness.service.closeVhost('a.com', reason);
    assert.equal(client.socket.isEnded, false);
  });
});
