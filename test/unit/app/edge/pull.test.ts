import assert from 'node:assert/strict';

import type { OriginFinder } from '../../../../src/app/edge/edge-service';
import { ErrorCode, SrsError } from '../../../../src/core/errors';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../../../src/rtmp/amf0-writer';
import { encodeUserControl, UserControlEvent } from '../../../../src/rtmp/packets/control';
import { encodeSuccess } from '../../../../src/rtmp/packets/status';
import { FaultProxy } from '../../../support/fault-proxy';
import { avcInterFrame, avcKeyFrame, avcSequenceHeader } from '../../../support/media';
import { eventually } from '../../../support/waits';
import type { FakeOrigin } from '../upstream/fake-origin';

import { EdgeBench, requestFor } from './bench';

const DATA = { type: 18, timestamp: 0, streamId: 1, chunkStreamId: 5 };

describe('the fetching of a stream', () => {
  let bench: EdgeBench;
  beforeEach(() => {
    bench = new EdgeBench(5);
  });
  afterEach(() => bench.close());

  const isPulling = (): boolean => bench.edge.pulls()[0]?.state === 'pulling';

  it('takes media, metadata and other data, but not what is meant for us', async () => {
    const origin = await bench.origin();
    bench.edgeOf([origin]);
    const { source } = bench.want();
    const server = await bench.playing(origin);
    const say = (...values: Parameters<typeof encodeAmf0>): void => {
      server.send({ ...DATA, payload: encodeAmf0(...values) });
    };
    say('onMetaData', AmfObject.of({ width: 640 }));
    say('onStatus', AmfObject.of({ code: 'x' }));
    say('|RtmpSampleAccess', true, true);
    say('onTextData', AmfObject.of({ text: 'hello' }));
    server.sendMedia(9, 0, avcSequenceHeader());
    server.sendMedia(9, 40, avcKeyFrame('k'));
    const [log] = bench.streamLogs;
    await eventually('all messages', () => log!.messages.length === 4);
    assert.deepEqual(
      log!.messages.map(({ type }) => type),
      [18, 18, 9, 9],
    );
    assert.match(log!.messages[1]!.body.toString('latin1'), /onTextData/);
    assert.equal(source.metadata?.number('width'), 640);
    const [pull] = bench.edge.pulls();
    assert.deepEqual([source.sourceId, source.publisher?.isUpstream], [pull!.id, true]);
    assert.deepEqual(
      bench.statistics.clients(0, 9).map(({ client }) => [client.id, client.type]),
      [[pull!.id, 'edge-pull']],
    );
    assert.deepEqual(bench.statistics.usage('__defaultVhost__').publishers, 0);
    await bench.log.until(() => bench.log.matching('state=pulling').length > 0);
    assert.match(
      bench.log.matching('state=pulling')[0]!,
      /^trace 100 <- EIG time=\d+, okbps=\d+,\d+,\d+, ikbps=\d+,\d+,\d+, state=pulling, url=rtmp:\S+$/,
    );
  });

  it('is lost when the stream begins and ends again and again', async () => {
    const origin = await bench.origin();
    bench.edgeOf([origin]);
    bench.want();
    const server = await bench.playing(origin);
    for (let time = 0; time < 11; time++) {
      server.send(encodeSuccess(1, 'NetStream.Play.PublishNotify', ''));
      server.sendMedia(9, time, avcKeyFrame('k'));
      server.send(encodeSuccess(1, 'NetStream.Play.UnpublishNotify', ''));
    }
    await origin.until('the end', () => server.isClosed);
    assert.equal(bench.log.matching('edge pull gets media').length, 10);
    assert.match(bench.edge.pulls()[0]!.lastError, /begins and ends again and again/);
  });

  it('is looked after by a timer that runs only meanwhile', async () => {
    const hasTimer = (): boolean => intervals.size > 0;
    const intervals = new Set<NodeJS.Timeout>();
    const { setInterval: set, clearInterval: clear } = globalThis;
    globalThis.setInterval = (...args: Parameters<typeof set>) => {
      const timer = set(...args);
      if (args[1] === 200) intervals.add(timer);
      return timer;
    };
    globalThis.clearInterval = (timer) => {
      intervals.delete(timer as NodeJS.Timeout);
      clear(timer);
    };
    try {
      const origin = await bench.origin();
      bench.edgeOf([origin]);
      assert.equal(hasTimer(), false);
      const { unwant } = bench.want();
      assert.equal(hasTimer(), true);
      unwant();
      await bench.pass(200);
      assert.equal(hasTimer(), false);
    } finally {
      Object.assign(globalThis, { setInterval: set, clearInterval: clear });
    }
  });

  it('says once why each of several servers fails', async () => {
    const origins = [
      await bench.origin({ handshake: 'leave' }),
      await bench.origin({ connect: 'refuse' }),
    ];
    bench.edgeOf(origins);
    bench.want();
    for (const origin of origins) {
      await origin.until('several attempts', () => origin.connections.length >= 3);
    }
    assert.equal(bench.log.matching('edge pull fails').length, 2);
    assert.equal(bench.log.matching('edge pull __defaultVhost__').length, 2);
  });

  it('lets go now and then of a server that is not told for whom, if it sends nothing', async () => {
    const origin = await bench.origin();
    bench.edgeOf([origin], 'debug_srs_upnode off; edge_timeout 100;');
    bench.want();
    const server = await bench.playing(origin);
    await eventually('a connection', () => bench.edge.pulls()[0]?.state === 'connected');
    await bench.pass(59_800);
    assert.equal(server.isClosed, false);
    await bench.pass(400);
    await bench.playing(origin, 2);
    assert.ok(server.isClosed);
  });

  for (const [what, over, back] of [
    [
      'a status',
      encodeSuccess(1, 'NetStream.Play.UnpublishNotify', ''),
      encodeSuccess(1, 'NetStream.Play.PublishNotify', ''),
    ],
    [
      'a control message',
      encodeUserControl(UserControlEvent.streamEof, 1),
      encodeUserControl(UserControlEvent.streamBegin, 1),
    ],
  ] as const) {
    it(`ends for players when ${what} tells of the end, whatever comes late`, async () => {
      const origin = await bench.origin();
      bench.edgeOf([origin]);
      const { source } = bench.want();
      const server = await bench.playing(origin);
      server.sendMedia(9, 0, avcKeyFrame('a'));
      await eventually('media', isPulling);
      server.send(over);
      server.sendMedia(9, 40, avcInterFrame('late'));
      await eventually('the end', () => source.publisher === undefined);
      assert.equal(bench.edge.pulls()[0]?.state, 'connected');
      server.send(back);
      server.sendMedia(9, 0, avcKeyFrame('b'));
      await eventually('media', isPulling);
      assert.deepEqual(
        bench.streamLogs[0]!.messages.map(({ body }) => body.length),
        [avcKeyFrame('a').length, avcKeyFrame('b').length],
      );
      assert.equal(origin.connections.length, 1);
    });
  }

  it('ends for players when there is no media for long, and the connection stays', async () => {
    const origin = await bench.origin();
    bench.edgeOf([origin], 'publish_normal_timeout 5000; edge_timeout 60;');
    const { source } = bench.want();
    const server = await bench.playing(origin);
    server.sendMedia(9, 0, avcKeyFrame('a'));
    await eventually('media', isPulling);
    await bench.pass(5400);
    assert.equal(source.publisher, undefined);
    server.sendMedia(9, 9000, avcKeyFrame('b'));
    await eventually('media', isPulling);
    assert.equal(origin.connections.length, 1);
  });

  it('gives up an origin that answers no pings later than others', async () => {
    const origin = await bench.origin();
    const link = await FaultProxy.start({ host: '127.0.0.1', port: origin.port });
    try {
      bench.edgeOf([{ address: `127.0.0.1:${link.port}` }], 'publish_normal_timeout 60000;');
      bench.want();
      const server = await bench.playing(origin);
      link.freeze('up');
      server.sendMedia(9, 0, avcKeyFrame('a'));
      await eventually('media', isPulling);
      await bench.pass(8000);
      assert.ok(isPulling());
      await bench.pass(3000);
      assert.equal(isPulling(), false);
      const text = /expect a sign of life of the origin within 10000/;
      assert.match(bench.edge.pulls()[0]!.lastError, text);
    } finally {
      bench.edge.stop();
      await link.close();
    }
  });

  it('asks the next origin when one says nothing at all', async () => {
    const silent = [
      await bench.origin({ handshake: 'silent' }),
      await bench.origin({ handshake: 'silent' }),
    ];
    const good = await bench.origin();
    bench.edgeOf([...silent, good], 'edge_timeout 0.5;');
    bench.want();
    const server = await bench.playing(good);
    server.sendMedia(9, 0, avcKeyFrame('a'));
    await eventually('media', isPulling);
    // They come last for others.
    bench.want(requestFor('other'));
    await good.until('the other', () => good.last.request?.stream === 'other');
    assert.ok(silent.every(({ connections }) => connections.length <= 1));
  });

  it('asks the origin first that it was cut off from, and those that have nothing last', async () => {
    const origins = [await bench.origin(), await bench.origin()];
    bench.edgeOf(origins, 'edge_timeout 1;');
    bench.want();
    await eventually('the first', () => origins.some(({ connections }) => connections.length > 0));
    const [idle, good] =
      origins[0]!.connections.length > 0 ? [origins[0]!, origins[1]!] : [origins[1]!, origins[0]!];
    await bench.playing(idle);
    await eventually('a connection', () => bench.edge.pulls()[0]?.state === 'connected');
    await bench.pass(1200);
    for (let count = 1; count <= 2; count++) {
      const server = await bench.playing(good, count);
      server.sendMedia(9, 0, avcKeyFrame('a'));
      await eventually('media', isPulling);
      const { messages } = bench.streamLogs[0]!;
      for (const time of [600, 1200]) {
        await bench.pass(600);
        const before = messages.length;
        server.sendMedia(9, time, avcInterFrame('b'));
        await eventually('more', () => messages.length > before);
      }
      server.socket.destroy();
    }
    await bench.playing(good, 3);
    assert.equal(idle.connections.length, 1);
  });

  it('asks the next origin soon when one tells that it has nothing', async () => {
    const origins = [await bench.origin(), await bench.origin()];
    bench.edgeOf(origins, 'edge_timeout 60;');
    bench.want();
    await eventually('the first', () => origins.some(({ connections }) => connections.length > 0));
    const [idle, good] =
      origins[0]!.connections.length > 0 ? [origins[0]!, origins[1]!] : [origins[1]!, origins[0]!];
    const server = await bench.playing(idle);
    await eventually('a connection', () => bench.edge.pulls()[0]?.state === 'connected');
    server.send(encodeSuccess(1, 'NetStream.Play.UnpublishNotify', ''));
    await bench.pass(1200);
    await bench.playing(good);
  });

  it('waits longer and longer when all origins refuse, and says why once', async () => {
    const origin = await bench.origin({ stream: 'refuse' });
    bench.edgeOf([origin]);
    const { unwant } = bench.want();
    await origin.until('three attempts', () => origin.connections.length >= 3);
    const [pull] = bench.edge.pulls();
    assert.ok(pull!.reconnects >= 2);
    assert.equal(bench.log.matching('edge pull fails').length, 1);
    assert.equal(bench.log.matching('edge pull __').length, 1);
    unwant();
    assert.deepEqual(bench.edge.pulls(), []);
  });

  it('begins again at once when one more wants it', async () => {
    const origin = await bench.origin({ stream: 'refuse' });
    bench.edgeOf([origin]);
    bench.want();
    await origin.until('attempts', () => origin.connections.length >= 3);
    await eventually('a wait', () => bench.edge.pulls()[0]?.state === 'waiting');
    bench.clock.advance(1000);
    const before = origin.connections.length;
    bench.want();
    assert.equal(bench.edge.pulls()[0]?.state, 'asking');
    await origin.until('one more attempt', () => origin.connections.length > before);
  });

  it('is ended by an operator for a while', async () => {
    const origin = await bench.origin();
    bench.edgeOf([origin]);
    const { source } = bench.want();
    (await bench.playing(origin)).sendMedia(9, 0, avcKeyFrame('a'));
    await eventually('media', isPulling);
    source.publisher?.drop(new SrsError(ErrorCode.USER_DISCONNECT, 'kicked'));
    assert.equal(source.publisher, undefined);
    assert.equal(bench.edge.pulls()[0]?.state, 'waiting');
    await eventually('the end', () => origin.last.isClosed);
    bench.want();
    await bench.playing(origin, 2);
  });

  it('takes the place of nobody who publishes here', async () => {
    const origin = await bench.origin();
    bench.edgeOf([origin]);
    const { source } = bench.want();
    const server = await bench.playing(origin);
    const log = bench.log.child(900);
    const publisher = {
      contextId: 900,
      log,
      lastReceivedMs: 0,
      onReplaced: () => undefined,
      drop: () => undefined,
    };
    source.acquire(publisher);
    assert.deepEqual(bench.edge.pulls(), []);
    await eventually('the end', () => server.isClosed);
    source.release(publisher);
    await bench.playing(origin, 2);
  });

  it('of a vhost that is gone ends at once', async () => {
    const origin = await bench.origin();
    bench.edgeOf([origin]);
    const { source } = bench.want();
    (await bench.playing(origin)).sendMedia(9, 0, avcKeyFrame('a'));
    await eventually('media', isPulling);
    bench.edge.closeVhost('__defaultVhost__', 'gone');
    assert.equal(source.publisher, undefined);
    assert.deepEqual(bench.edge.pulls(), []);
    await eventually('the end', () => origin.last.isClosed);
    bench.edge.apply(source, bench.vhost);
    await bench.playing(origin, 2);
  });

  describe('at an origin', () => {
    const registry: { known: string[]; tell?: ((words: readonly string[]) => void) | undefined } = {
      known: [],
    };
    const finder: OriginFinder = {
      find: () => Promise.resolve(registry.known),
      watch: (_name, onFound) => {
        registry.tell = onFound;
        return () => {
          registry.tell = undefined;
        };
      },
    };
    const isWatched = (): boolean => registry.tell !== undefined;

    /** From now on these have the stream, and whoever waits for it is told. */
    function has(...origins: FakeOrigin[]): void {
      registry.known = origins.map(({ address }) => address);
      registry.tell?.(registry.known);
    }

    beforeEach(() => {
      has();
      bench.start('', { finder });
    });

    it('waits to be told who has the stream, and again when that one has it no more', async () => {
      const origins = [await bench.origin(), await bench.origin()];
      const { unwant } = bench.want();
      assert.deepEqual(bench.edge.pulls(), []);
      has(origins[0]!);
      (await bench.playing(origins[0]!)).sendMedia(9, 0, avcKeyFrame('a'));
      await eventually('media', isPulling);
      assert.equal(isWatched(), false);
      registry.known = [];
      origins[0]!.last.socket.destroy();
      await eventually('the end', () => bench.edge.pulls().length === 0 && isWatched());
      has(origins[1]!);
      (await bench.playing(origins[1]!)).sendMedia(9, 0, avcKeyFrame('b'));
      await eventually('media', isPulling);
      unwant();
      await bench.pass(10_200);
      assert.deepEqual([bench.edge.pulls(), isWatched()], [[], false]);
    });

    it('leaves one that sends nothing for one that is said to have it', async () => {
      const origins = [await bench.origin(), await bench.origin()];
      bench.want();
      has(origins[0]!);
      await bench.playing(origins[0]!);
      await eventually('a connection', () => bench.edge.pulls()[0]?.state === 'connected');
      has(origins[0]!);
      assert.equal(origins[0]!.connections.length, 1);
      has(origins[1]!);
      await bench.playing(origins[1]!);
    });

    it('is nothing that costs anything without somebody who knows', async () => {
      bench.start('');
      bench.want(requestFor('a'));
      await bench.pass(400);
      assert.deepEqual(bench.edge.pulls(), []);
    });
  });
});
