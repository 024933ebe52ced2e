import assert from 'node:assert/strict';

import type { StatClient, StatStream, StreamMedia } from '../../../../src/app/stats/stat-types';
import { Statistics } from '../../../../src/app/stats/statistics';
import { ManualClock } from '../../../support/fakes/manual-clock';

const PID = 4000;
const WALL_MS = 1_700_000_000_000;
const hls = { enabled: false, fragmentMs: 0 };

interface FakeClient extends StatClient {
  sent: number;
  received: number;
  /** How often its counters were read. */
  reads: number;
  readonly kicks: string[];
}

function client(id: number, more: Partial<StatClient> = {}, stream = 's'): FakeClient {
  const fake: FakeClient = {
    id,
    ip: '10.0.0.1',
    protocol: 'rtmp',
    type: more.isPublisher === true ? 'fmle-publish' : 'Play',
    isPublisher: false,
    names: { vhost: 'a.com', app: 'live', stream, param: '', tcUrl: '', pageUrl: '', swfUrl: '' },
    startedMs: 0,
    sent: 0,
    received: 0,
    reads: 0,
    kicks: [],
    bytesSent: () => {
      fake.reads++;
      return fake.sent;
    },
    bytesReceived: () => fake.received,
    kick: (reason) => {
      fake.kicks.push(reason);
    },
    ...more,
  };
  return fake;
}

const publisher = (id: number, stream?: string): FakeClient =>
  client(id, { isPublisher: true }, stream);

function stream(name = 's', media: StreamMedia = {}): StatStream & { videoFrames: number } {
  return {
    name: { vhost: 'a.com', app: 'live', stream: name },
    videoFrames: 0,
    describe: () => media,
  };
}

describe('statistics', () => {
  let clock: ManualClock;
  let statistics: Statistics;
  beforeEach(() => {
    clock = new ManualClock();
    statistics = new Statistics(clock, PID, () => WALL_MS);
    statistics.setVhosts([
      { name: 'a.com', enabled: true, hls: { enabled: true, fragmentMs: 5000 } },
      { name: 'b.com', enabled: false, hls },
    ]);
  });

  /** Past the time for which counters are not read again. */
  const later = (ms = 300): void => {
    clock.advance(ms);
  };
  const onlyStream = (): ReturnType<Statistics['streams']>[number] => {
    const [one, ...others] = statistics.streams();
    assert.ok(one);
    assert.deepEqual(others, []);
    return one;
  };

  it('number the server, then vhosts and streams, and keep the numbers over a reload', () => {
    assert.equal(statistics.serverId, PID);
    const [a, b] = statistics.vhosts();
    assert.deepEqual([a?.id, a?.name, b?.id, b?.name], [PID + 1, 'a.com', PID + 2, 'b.com']);
    statistics.addStream(stream());
    assert.equal(onlyStream().id, PID + 3);
    statistics.setVhosts([
      { name: 'c.com', enabled: true, hls },
      { name: 'a.com', enabled: true, hls },
    ]);
    assert.deepEqual(
      statistics.vhosts().map(({ id, name }) => [id, name]),
      [
        [PID + 4, 'c.com'],
        [PID + 1, 'a.com'],
      ],
    );
    assert.equal(statistics.vhost(PID + 2), undefined, 'b.com is gone');
    assert.equal(statistics.vhost(PID + 1)?.name, 'a.com');
  });

  it('list a vhost that left the configuration as long as it has clients', () => {
    const leave = statistics.join(client(100));
    statistics.setVhosts([]);
    assert.deepEqual(
      statistics.vhosts().map(({ name, enabled }) => [name, enabled]),
      [['a.com', false]],
    );
    leave();
    assert.deepEqual(statistics.vhosts(), []);
  });

  it('count players and publishers of server, vhost and stream', () => {
    statistics.addStream(stream());
    const leaves = [publisher(100), client(101), client(102)].map((one) => statistics.join(one));
    const { clients, players, publishers, streams, activeStreams } = statistics.server();
    assert.deepEqual([clients, players, publishers, streams, activeStreams], [3, 2, 1, 1, 1]);
    const [vhost] = statistics.vhosts();
    assert.deepEqual([vhost?.clients, vhost?.publishers, vhost?.streams], [3, 1, 1]);
    assert.deepEqual(vhost?.hls, { enabled: true, fragmentMs: 5000 });
    const shown = onlyStream();
    assert.deepEqual([shown.clients, shown.players, shown.publisherId], [3, 2, 100]);
    assert.deepEqual(statistics.usage('a.com'), { clients: 3, publishers: 1, sendKbps: 0 });
    assert.deepEqual(statistics.usage('none'), { clients: 0, publishers: 0, sendKbps: 0 });
    for (const leave of [...leaves, ...leaves]) leave();
    assert.deepEqual(statistics.usage('a.com'), { clients: 0, publishers: 0, sendKbps: 0 });
    assert.equal(statistics.clientCount, 0);
  });

  it('list what the server itself publishes, and count it for no limit', () => {
    const leave = statistics.join(client(100, { isPublisher: true, isOwn: true }));
    statistics.join(client(101));
    const [vhost] = statistics.vhosts();
    assert.deepEqual([vhost?.clients, vhost?.publishers, vhost?.streams], [2, 1, 1]);
    assert.deepEqual([onlyStream().isActive, onlyStream().publisherId], [true, 100]);
    assert.deepEqual(statistics.usage('a.com'), { clients: 1, publishers: 0, sendKbps: 0 });
    assert.deepEqual([...statistics.publishers()], []);
    leave();
    assert.deepEqual(statistics.usage('a.com'), { clients: 1, publishers: 0, sendKbps: 0 });
    assert.equal(onlyStream().isActive, false);
  });

  it('keep the bytes of those who left', () => {
    const player = client(100);
    const leave = statistics.join(player);
    player.sent = 1000;
    player.received = 10;
    leave();
    const other = publisher(101);
    statistics.join(other);
    other.received = 500;
    later();
    const { sendBytes, recvBytes } = statistics.server();
    assert.deepEqual([sendBytes, recvBytes], [1000, 510]);
    const [vhost] = statistics.vhosts();
    assert.deepEqual([vhost?.sendBytes, vhost?.recvBytes], [1000, 510]);
  });

  it('tell rates of server, vhost, stream and client, and the latest of a vhost for its limits', () => {
    const player = client(100);
    statistics.join(player);
    for (let second = 0; second < 40; second += 5) {
      clock.advance(5000);
      player.sent += 5 * 12_500;
      statistics.sample(clock.nowMs());
    }
    assert.equal(statistics.server().kbps.send30s, 100);
    assert.equal(statistics.vhosts()[0]?.kbps.send30s, 100);
    assert.equal(statistics.client(100)?.kbps.send30s, 100);
    assert.equal(statistics.usage('a.com').sendKbps, 100);
    clock.advance(5000);
    statistics.sample(clock.nowMs());
    assert.equal(statistics.usage('a.com').sendKbps, 0);
  });

  it('read the counters of connections at most four times a second, whoever asks how often', () => {
    const player = client(100);
    statistics.join(player);
    for (let query = 0; query < 100; query++) {
      statistics.server();
      statistics.clients(0, 10);
      clock.advance(10);
    }
    assert.ok(player.reads >= 4 && player.reads <= 5, `${player.reads} reads`);
  });

  it('grow in version with each join, leave and stream', () => {
    const versions = [statistics.version];
    const note = (): number => versions.push(statistics.version);
    const one = stream();
    statistics.addStream(one);
    note();
    const leave = statistics.join(client(100));
    note();
    leave();
    note();
    statistics.removeStream(one);
    note();
    assert.deepEqual(
      versions,
      [...new Set(versions)].sort((a, b) => a - b),
    );
  });

  it('list clients by their ids, page by page', () => {
    for (const id of [105, 100, 103, 101, 104, 102]) statistics.join(client(id));
    const ids = (start: number, count: number): number[] =>
      statistics.clients(start, count).map((one) => one.client.id);
    assert.deepEqual(ids(0, 10), [100, 101, 102, 103, 104, 105]);
    assert.deepEqual(ids(2, 2), [102, 103]);
    assert.deepEqual(ids(5, 5), [105]);
    assert.deepEqual(ids(9, 5), []);
    assert.deepEqual(ids(-3, 1), [100]);
    assert.equal(statistics.client(103)?.client.id, 103);
    assert.equal(statistics.client(999), undefined);
  });

  it('show when and by whom a stream is published, and that it was', () => {
    const source = stream('s', { audio: undefined });
    statistics.addStream(source);
    const leave = statistics.join(publisher(100));
    clock.advance(5000);
    source.videoFrames = 125;
    const live = onlyStream();
    assert.deepEqual(
      [live.isActive, live.publisherId, live.liveMs, live.ageMs, live.frames],
      [true, 100, WALL_MS, 5000, 125],
    );
    leave();
    statistics.removeStream(source);
    const over = onlyStream();
    assert.deepEqual(
      [over.isActive, over.publisherId, over.liveMs, over.ageMs, over.frames],
      [false, -1, WALL_MS, 0, 125],
    );
    assert.equal(statistics.server().activeStreams, 0);
    // The same name goes on in the same entry.
    const { id } = over;
    const again = stream('s');
    statistics.addStream(again);
    again.videoFrames = 5;
    assert.deepEqual([onlyStream().id, onlyStream().frames], [id, 130]);
  });

  it('keep the publisher that took over when the one before leaves', () => {
    const leaveFirst = statistics.join(publisher(100));
    statistics.join(publisher(101));
    leaveFirst();
    assert.deepEqual([onlyStream().isActive, onlyStream().publisherId], [true, 101]);
    assert.equal(statistics.server().activeStreams, 1);
  });

  it('forget streams that nobody ever published, and the oldest of very many that are over', () => {
    const waited = stream('waited');
    statistics.addStream(waited);
    const leaveWaiting = statistics.join(client(99, {}, 'waited'));
    leaveWaiting();
    statistics.removeStream(waited);
    assert.equal(statistics.streamCount, 0);
    for (let index = 0; index < 600; index++) {
      const one = stream(`s${index}`);
      statistics.addStream(one);
      statistics.join(publisher(100 + index, `s${index}`))();
      statistics.removeStream(one);
    }
    const names = statistics.streams().map(({ name }) => name);
    assert.equal(names.length, 512);
    assert.deepEqual([names[0], names.at(-1)], ['s88', 's599']);
  });

  it('sum up what the players of each stream missed, and how far the slowest is behind', () => {
    const player = (dropped: number, lagMs: number): Partial<StatClient> => ({
      player: () => ({ messages: 1, dropped, lagMs, jumps: 0 }),
    });
    statistics.join(publisher(99));
    statistics.join(client(100, player(3, 100)));
    statistics.join(client(101, player(4, 900)));
    statistics.join(client(102, player(5, 50), 'other'));
    const [first, second] = statistics.streams();
    assert.deepEqual(
      [...statistics.playersByStream()],
      [
        [first?.id, { dropped: 7, lagMs: 900 }],
        [second?.id, { dropped: 5, lagMs: 50 }],
      ],
    );
  });

  it('end clients and streams for an operator, the publisher of a stream first', () => {
    const order: string[] = [];
    const told = (name: string): Partial<StatClient> => ({
      kick: (reason) => {
        order.push(`${name}: ${reason}`);
      },
    });
    statistics.join(client(100, told('player')));
    statistics.join(client(101, { ...told('publisher'), isPublisher: true }));
    statistics.join(client(102, told('stranger'), 'other'));
    assert.equal(statistics.kick(999, ''), false);
    assert.equal(statistics.kick(102, 'too loud'), true);
    assert.equal(statistics.stopStream(1, ''), undefined);
    assert.equal(statistics.stopStream(statistics.streams()[0]!.id, ''), 2);
    assert.deepEqual(order, [
      'stranger: kicked by an operator, too loud',
      'publisher: kicked by an operator',
      'player: kicked by an operator',
    ]);
    assert.deepEqual([...statistics.publishers()].map(({ id }) => id), [101]); // prettier-ignore
  });
});
