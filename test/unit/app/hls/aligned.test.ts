import assert from 'node:assert/strict';

import type { HlsOptions } from '../../../../src/app/hls/options';
import type { FlvTag } from '../../../../src/media/flv';
import { TsReader } from '../../../../src/media/ts-reader';

import { AlignedServer } from './aligned-servers';
import { audioTags, avTags, headerTags, startEpochMs } from './harness';

const FIRST_MS = 500_000;
const STRIDE = 4 * 1800;

describe('app/hls aligned by atc', () => {
  let servers: AlignedServer[] = [];

  afterEach(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    servers = [];
  });

  function server(changes: Partial<HlsOptions> = {}): AlignedServer {
    const made = new AlignedServer(changes);
    servers.push(made);
    return made;
  }

  const MEDIA: readonly (readonly [what: string, tags: FlvTag[], changes: Partial<HlsOptions>])[] =
    [
      ['TS', avTags(40_000, 1000, FIRST_MS), {}],
      ['fMP4', avTags(40_000, 1000, FIRST_MS), { format: 'fmp4' }],
      ['TS of low latency', avTags(40_000, 1000, FIRST_MS), { lowLatency: true }],
      ['fMP4 of low latency', avTags(40_000, 1000, FIRST_MS), { lowLatency: true, format: 'fmp4' }],
      ['TS whose key frames are not on borders', avTags(40_000, 1480, FIRST_MS + 7), {}],
      ['TS with rare key frames', avTags(40_000, 5000, FIRST_MS), {}],
      ['TS without pictures', audioTags(40_000, FIRST_MS), {}],
      ['fMP4 without pictures', audioTags(40_000, FIRST_MS), { format: 'fmp4' }],
      ['TS cut at any picture', avTags(40_000, 7000, FIRST_MS + 900), { waitKeyframe: false }],
      ['TS in files named by the time', avTags(40_000, 1000, FIRST_MS), { tsFloor: true, tsFile: '[app]/[stream]-[timestamp].ts' }], // prettier-ignore
    ];

  for (const [what, tags, changes] of MEDIA) {
    it(`${what} is the same wherever a server joins`, async () => {
      const first = server(changes);
      await first.join(tags);
      assert.equal(first.status, 200);
      const names = [...first.files.keys()];
      for (const joinMs of [320, 1000, 1480, 2960, 6040, 11_000]) {
        const late = server(changes);
        await late.join(tags, FIRST_MS + joinMs);
        assert.equal(late.status, 200, `joined after ${joinMs}`);
        assert.equal(withoutTimes(late.list), withoutTimes(first.list), `joined after ${joinMs}`);
        assert.deepEqual([...late.files.keys()], names);
        for (const [name, bytes] of first.files) {
          assert.deepEqual(late.files.get(name), bytes, `${name}, joined after ${joinMs}`);
        }
      }
    });
  }

  it('segments bear the times of the encoder', async () => {
    const one = server();
    await one.join(avTags(20_000, 1000, FIRST_MS));
    for (const [name, bytes] of one.files) {
      const slot = Number(/-(\d+)\.ts$/.exec(name)?.[1]);
      const reader = new TsReader();
      reader.push(bytes);
      const [pictures] = [...reader.finish().pids.values()];
      assert.equal(pictures?.firstDts, slot * 2000 * 90);
    }
  });

  it('is not listed from the middle of a slot on, nor before three segments are there', async () => {
    const tags = avTags(20_000, 1000, FIRST_MS);
    const one = server();
    await one.join(tags, FIRST_MS + 1000, FIRST_MS + 8000);
    assert.equal(one.status, 404);
    assert.deepEqual(one.hls.segments.map(({ url }) => url), ['show-251.ts', 'show-252.ts']); // prettier-ignore
    one.send(tags, FIRST_MS + 8000, FIRST_MS + 8040);
    assert.equal(one.status, 200);
    assert.deepEqual(one.entries, entries(251, 3));
  });

  it('shows less than three segments when no more come', async () => {
    const one = server();
    await one.join(avTags(20_000, 1000, FIRST_MS), FIRST_MS + 1000, FIRST_MS + 7000);
    assert.equal(one.status, 404);
    one.leave();
    assert.deepEqual(one.entries.slice(0, 2), entries(251, 1));
  });

  it('is listed at once when the clock of the encoder begins', async () => {
    const one = server();
    await one.join(avTags(3000));
    assert.equal(one.status, 200);
    assert.deepEqual(one.entries, entries(0, 1));
  });

  it('keeps numbers for slots that key frames are missing of', async () => {
    const one = server({ aofRatio: 4 });
    await one.join(avTags(20_000, 6000), 0, 14_000);
    assert.deepEqual(one.entries, [
      ...['#EXTINF:6.000,', 'show-0.ts'],
      ...['#EXT-X-GAP', '#EXTINF:0.001,', 'show-1.ts'],
      ...['#EXT-X-GAP', '#EXTINF:0.001,', 'show-2.ts'],
      ...['#EXTINF:6.000,', 'show-3.ts'],
    ]);
    assert.match(one.list, /TARGETDURATION:8\n/);
  });

  it('goes on where an encoder comes back on the same clock, without a discontinuity', async () => {
    const tags = avTags(40_000);
    const one = server({ windowMs: 60_000 });
    await one.join(tags, 0, 5000);
    one.leave();
    await one.join(tags, 9000, 14_100);
    assert.deepEqual(one.entries, [
      ...entries(0, 2),
      ...['#EXTINF:1.000,', 'show-2.ts'],
      ...['#EXT-X-GAP', '#EXTINF:2.500,', 'show-3.ts'],
      ...['#EXT-X-GAP', '#EXTINF:2.500,', 'show-4.ts'],
      ...entries(5, 2),
    ]);
  });

  for (const lowLatency of [false, true]) {
    it(`leaves the last segment to other servers when hls_dispose is set, low latency ${lowLatency}`, async () => {
      const one = server({ disposeMs: 2000, lowLatency });
      await one.join(avTags(40_000), 0, 5000);
      one.leave();
      assert.deepEqual(one.hls.segments.map(({ url }) => url), ['show-0.ts', 'show-1.ts']); // prettier-ignore
      assert.doesNotMatch(one.list, /show-2|HINT/);
      one.hls.pass(2000);
      assert.equal(one.status, 404);
    });
  }

  it('begins the list anew after a hole as long as the window', async () => {
    const tags = avTags(40_000);
    const one = server();
    await one.join(tags, 0, 5000);
    one.leave();
    await one.join(tags, 16_000, 20_100);
    assert.deepEqual([one.sequence, one.entries], [9, entries(9, 1)]);
  });

  it('leaves out what an encoder that comes back has missed within one publication', async () => {
    const tags = avTags(40_000);
    const one = server({ windowMs: 60_000 });
    await one.join(tags, 0, 5000);
    one.send(tags, 11_000, 14_100);
    assert.deepEqual(one.entries.slice(4), [
      ...['#EXTINF:1.000,', 'show-2.ts'],
      ...[3, 4, 5].flatMap((missing) => ['#EXT-X-GAP', '#EXTINF:2.333,', `show-${missing}.ts`]),
      ...entries(6, 1),
    ]);
  });

  it('goes on with greater numbers behind a discontinuity when the clock of the encoder begins anew', async () => {
    const [one, other, late] = [server(), server(), server()];
    for (const each of [one, other]) {
      await each.join(avTags(30_000), each === one ? 0 : 5000);
      each.leave();
    }
    const again = avTags(20_000);
    const atMs = 40_000;
    for (const each of [one, other]) {
      await each.publish(atMs);
      each.send(again);
      assert.equal(each.sequence, STRIDE + 4);
    }
    assert.equal(one.list, other.list);
    // One that has not seen it is right an hour later.
    await late.publish(atMs + 7_200_000);
    late.send(again);
    assert.equal(late.sequence, 2 * STRIDE + 4);
  });

  it('shows the new clock behind a discontinuity', async () => {
    const one = server();
    await one.join(avTags(10_000));
    one.leave();
    await one.publish(20_000);
    one.send(avTags(3000));
    assert.deepEqual(one.entries, ['#EXT-X-DISCONTINUITY', ...entries(STRIDE, 1)]);
  });

  it('goes over the end of 31 bits behind a discontinuity', async () => {
    const endMs = 2 ** 31;
    const fromMs = endMs - 9648;
    const tags = avTags(16_000, 1000, fromMs).map((tag) => ({
      ...tag,
      timestamp: tag.timestamp % endMs,
    }));
    const one = server({ windowMs: 60_000 });
    await one.publish(fromMs);
    one.send(tags);
    const hours = Math.floor(endMs / 3_600_000);
    const names = one.hls.segments.map(({ url, durationMs }) => `${url} ${durationMs}`);
    const slot = fromMs / 2000;
    assert.deepEqual(names.slice(-4), [
      ...[`show-${slot + 3}.ts 2000`, `show-${slot + 4}.ts 1680`],
      ...[`show-${hours * STRIDE}.ts 2000`, `show-${hours * STRIDE + 1}.ts 2000`],
    ]);
    assert.deepEqual(one.entries, ['#EXT-X-DISCONTINUITY', ...entries(hours * STRIDE, 2)]);
  });

  it('has the time of day of the encoder where its clock shows that', async () => {
    const clockMs = startEpochMs % 2 ** 31;
    const tags = avTags(20_000, 1000, clockMs);
    const lists: string[] = [];
    for (const lateMs of [0, 340]) {
      const one = server({ format: 'fmp4' });
      await one.publish(lateMs);
      one.send(tags);
      lists.push(one.list);
    }
    assert.equal(lists[0], lists[1]);
    assert.match(lists[0]!, /PROGRAM-DATE-TIME:2026-01-01T00:00:09.000Z/);
  });

  it('is not possible with keys, of which each server has its own', async () => {
    const one = server({ keys: true });
    await one.join(avTags(20_000, 1000, FIRST_MS));
    assert.equal(one.hls.log.matching('each has keys of its own').length, 1);
    assert.equal(one.sequence, (startEpochMs + FIRST_MS) / 1000 + 4);
  });

  it('begins and ends with what the metadata says', async () => {
    const tags = avTags(60_000, 1000, FIRST_MS);
    const one = server({ windowMs: 60_000 });
    await one.publish(FIRST_MS, false);
    one.send(tags, FIRST_MS, FIRST_MS + 5000);
    const counted = one.sequence;
    one.setAbsolute(true);
    one.setAbsolute(true);
    one.send(tags, FIRST_MS + 5000, FIRST_MS + 13_000);
    assert.deepEqual([one.sequence, one.entries.slice(0, 3)], [253, ['#EXT-X-DISCONTINUITY', ...entries(253, 1)]]); // prettier-ignore
    one.setAbsolute(false);
    one.send(tags, FIRST_MS + 13_000, FIRST_MS + 17_100);
    assert.equal(one.sequence, 253);
    assert.deepEqual(one.entries.slice(-5), ['#EXT-X-DISCONTINUITY', ...entries(257, 2)]);
    assert.ok(counted > 1000);
    assert.equal(one.hls.log.matching('hls segments are aligned').length, 1);
  });

  it('breaks off at another codec, and goes on at once', async () => {
    const tags = avTags(5000);
    const one = server();
    await one.join(tags);
    const sound = audioTags(5000, 5000);
    const other = sound.map((tag, index) =>
      index === 0 ? { ...tag, payload: Buffer.from([0xaf, 0, 0x11, 0x90]) } : tag,
    );
    one.hls.nowMs = 5000;
    const rest = avTags(6000, 1000, 5000).filter(({ type }) => type === 9);
    const mixed = [...other, ...rest].sort((a, b) => a.timestamp - b.timestamp);
    one.send([...headerTags(), ...mixed], 5000);
    assert.deepEqual(one.entries, [
      ...entries(0, 2),
      ...['#EXTINF:1.000,', 'show-2.ts'],
      ...['#EXT-X-DISCONTINUITY', '#EXTINF:3.000,', 'show-3.ts'],
      ...entries(4, 1),
    ]);
  });
});

/** Segments of two seconds. */
function entries(first: number, count: number): string[] {
  const numbers = Array.from({ length: count }, (_, index) => first + index);
  return numbers.flatMap((number) => ['#EXTINF:2.000,', `show-${number}.ts`]);
}

/** Times of day are those of each server. */
function withoutTimes(list: string): string {
  return list.replaceAll(/#EXT-X-PROGRAM-DATE-TIME:.*\n/g, '');
}
