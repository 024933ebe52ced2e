import assert from 'node:assert/strict';

import type { AmfValue } from '../../src/rtmp/amf0-value';
import type { LivePeer } from '../support/live-peer';
import { liveServers, vhost } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { aacFrame } from '../support/media';

const config = vhost(
  '',
  `vhost demo.com { mw_latency 0; }
   vhost off.com { enabled off; }
   vhost page.com { refer pages.net; }
   vhost roles.com { refer_publish studio.net; refer_play viewers.net; }`,
);
/** Without a default vhost, so that a name can be unknown. */
const named = config.replace('__defaultVhost__', 'other.com');

/** What was refused: exactly one error line says so, under the id of the connection, and it is closed. */
async function assertRefused(live: LiveServer, peer: LivePeer, line: string): Promise<void> {
  await peer.closed;
  await live.empty();
  assert.deepEqual(live.errors, [`error 100 ${line}`]);
  const code = /ret=\d+/.exec(line)![0];
  assert.match(await live.closing(100), new RegExp(`client finished. ${code}, time=`));
}

async function handshaken(live: LiveServer): Promise<LivePeer> {
  return (await live.peer()).handshake();
}

describe('access to a vhost', () => {
  const start = liveServers();

  const spellings = [
    'rtmp://demo.com/live',
    'rtmp://demo.com:1935/live',
    'rtmp://127.0.0.1/live?vhost=demo.com',
    'rtmp://127.0.0.1/live?vhost=demo.com&&key=b',
    'rtmp://127.0.0.1/live?key=b&vhost=demo.com&more=c',
    'rtmp://127.0.0.1/live?key=b,vhost=demo.com',
    'rtmp://127.0.0.1/live...vhost...demo.com',
    'rtmp://127.0.0.1/live...key...b...vhost...demo.com...x...y',
  ];

  it('is given by each spelling of its name', async () => {
    const live = await start(named);
    const player = await handshaken(live);
    await player.connect({ tcUrl: 'rtmp://demo.com/live' });
    await player.play('s');
    for (const [index, tcUrl] of spellings.entries()) {
      const publisher = await handshaken(live);
      await publisher.connect({ tcUrl });
      assert.equal((await publisher.publish('s')).code, 'NetStream.Publish.Start', tcUrl);
      publisher.message(8, 0, aacFrame(`by ${index}`));
      const [heard] = await player.media(1);
      assert.ok(heard!.payload.equals(aacFrame(`by ${index}`)), tcUrl);
      publisher.socket.end();
      await live.closing(101 + index);
    }
    assert.deepEqual(live.errors, []);
  });

  it('can be asked for in the stream name, and falls back to the default vhost', async () => {
    const live = await start(config);
    const player = await handshaken(live);
    await player.connect({ tcUrl: 'rtmp://unheard.of/live' });
    await player.play('s?vhost=demo.com');
    const other = await handshaken(live);
    await other.connect({ tcUrl: 'rtmp://unheard.of/live' });
    await other.publish('t');
    assert.equal(live.log.matching('source url=demo.com/live/s').length, 1);
    assert.equal(live.log.matching('source url=__defaultVhost__/live/t').length, 1);
  });

  const connects: [what: string, options: Record<string, AmfValue>, line: string][] = [
    ['unknown', { tcUrl: 'rtmp://no.com/live' }, 'vhost no.com is unknown or disabled, ret=2014'],
    [
      'disabled',
      { tcUrl: 'rtmp://off.com/live' },
      'vhost off.com is unknown or disabled, ret=2014',
    ],
    [
      'kept for the pages of others',
      { tcUrl: 'rtmp://page.com/live', pageUrl: 'http://evilpages.net/a' },
      'refer rule denies page "evilpages.net", ret=2015',
    ],
    [
      'kept for pages',
      { tcUrl: 'rtmp://page.com/live' },
      'refer rule denies a client without pageUrl, ret=2015',
    ],
  ];
  for (const [what, options, line] of connects) {
    it(`is refused at connect when the vhost is ${what}`, async () => {
      const live = await start(named);
      const peer = await handshaken(live);
      const info = await peer.connect(options);
      assert.equal(info.level, 'error');
      assert.equal(info.code, 'NetConnection.Connect.Rejected');
      assert.equal(`${info.description}, ret=${line.slice(-4)}`, line);
      await assertRefused(live, peer, `connect refused, ${line}`);
    });
  }

  it('is refused when the tcUrl has no app, or there is no tcUrl', async () => {
    const live = await start();
    for (const options of [{ tcUrl: 'rtmp://host' }, { tcUrl: null }]) {
      const peer = await handshaken(live);
      assert.equal((await peer.connect(options)).code, 'NetConnection.Connect.Rejected');
      await peer.closed;
    }
    await live.empty();
    assert.match(live.errors[0]!, /^error 100 connect refused, .*app.*, ret=2006$/);
    assert.match(live.errors[1]!, /^error 101 connect refused, .*tcUrl.*, ret=2005$/);
    assert.equal(live.errors.length, 2);
  });

  it('is given by refer rules to the pages they name, and those below', async () => {
    const live = await start(config);
    const peer = await handshaken(live);
    const info = await peer.connect({
      tcUrl: 'rtmp://page.com/live',
      pageUrl: 'https://www.pages.net:8080/player',
    });
    assert.equal(info.code, 'NetConnection.Connect.Success');
  });

  it('is refused at publish by its own rule', async () => {
    const live = await start(config);
    const peer = await handshaken(live);
    await peer.connect({ tcUrl: 'rtmp://roles.com/live', pageUrl: 'http://viewers.net/' });
    const status = await peer.publish('s');
    assert.deepEqual([status.level, status.code], ['error', 'NetStream.Publish.Denied']);
    const line = 'publish refused, refer rule denies page "viewers.net", ret=2015';
    await assertRefused(live, peer, line);
  });

  it('is refused at play by its own rule', async () => {
    const live = await start(config);
    const peer = await handshaken(live);
    await peer.connect({ tcUrl: 'rtmp://roles.com/live', pageUrl: 'http://studio.net/' });
    peer.command(0, 'createStream', 2, null);
    peer.command(1, 'play', 0, null, 's');
    const status = await peer.status();
    assert.deepEqual([status.level, status.code], ['error', 'NetStream.Play.Failed']);
    await assertRefused(live, peer, 'play refused, refer rule denies page "studio.net", ret=2015');
  });

  it('is refused without a stream name, to publishers and players', async () => {
    const live = await start();
    const publisher = await live.client();
    assert.equal((await publisher.publish('')).code, 'NetStream.Publish.BadName');
    await publisher.closed;
    const player = await live.client();
    player.command(0, 'createStream', 2, null);
    player.command(1, 'play', 0, null, '');
    assert.equal((await player.status()).code, 'NetStream.Play.StreamNotFound');
    await player.closed;
    assert.deepEqual(
      live.errors.map((line) => line.slice(0, 23)),
      ['error 100 publish refus', 'error 101 play refused,'],
    );
  });
});
