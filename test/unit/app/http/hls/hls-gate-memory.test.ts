import assert from 'node:assert/strict';
import { join } from 'node:path';

import { avTags, Harness as HlsHarness, hlsOptions } from '../../hls/harness';

import { GateHarness } from './harness';

const vhosts = 'vhost v.com { hls { enabled on; hls_path BASE; } refer_play good.com; }';
const query = 'token=abc&vhost=v.com';
const Referer = 'http://good.com/';

describe('the gate before the HLS service', () => {
  let hls: HlsHarness;
  let gate: GateHarness;

  beforeEach(() => {
    hls = new HlsHarness();
    gate = new GateHarness(vhosts, 100, hls.service);
  });
  afterEach(async () => {
    await hls.service.stop();
    gate.close();
  });

  it('carries the query on to parts, hints and maps of low-latency playlists', async () => {
    const sink = hls.sink(hlsOptions({ lowLatency: true, format: 'fmp4' }));
    await hls.play(sink, avTags(7000));
    const { status, body } = await gate.ask(`/live/show.m3u8?${query}`, { Referer });
    assert.equal(status, 200);
    const lines = body.toString().split('\n');
    const named = lines.filter((line) => line.includes('URI="') || /^[^#]/.test(line));
    assert.ok(named.length > 10);
    for (const line of named) assert.ok(line.includes(`?${query}`), line);
    for (const tag of ['MAP', 'PART', 'PRELOAD-HINT']) {
      assert.ok(
        named.some((line) => line.startsWith(`#EXT-X-${tag}:`)),
        tag,
      );
    }
    const [, segment = ''] = /^([^#].*)$/m.exec(body.toString()) ?? [];
    assert.equal(await gate.statusOf(`/live/${segment}`), 200);
    assert.equal(await gate.statusOf(`/live/${segment.split('?')[0] ?? ''}?vhost=v.com`), 403);
    const [client] = gate.clients;
    assert.deepEqual(client?.names.stream, 'show');
  });

  it('lets a request of a session wait for the part to come', async () => {
    const sink = hls.sink(hlsOptions({ lowLatency: true }));
    await hls.play(sink, avTags(3000));
    const first = await gate.ask(`/live/show.m3u8?${query}`, { Referer });
    const [, next = ''] = /PRELOAD-HINT:TYPE=PART,URI="([^"]+)"/.exec(first.body.toString()) ?? [];
    const waiting = gate.ask(`/live/${next}`);
    await gate.http.log.until(() => gate.http.log.matching('part').length > 0);
    hls.send(sink, avTags(1000, 1000, 3000).slice(2));
    const { status, body } = await waiting;
    assert.equal(status, 200);
    assert.ok(body.length > 0);
    assert.equal([...gate.clients][0]?.bytesSent(), first.body.length + body.length);
  });

  it('knows whose everything in memory is, and the playlists of those who publish', async () => {
    const path = join(gate.base, 'html');
    const sink = hls.sink(hlsOptions({ path, storage: 'both', mount: '/[app]/[stream].m3u8', masterFile: '[app]/[stream].master.m3u8' })); // prettier-ignore
    hls.publish(sink);
    await hls.service.settle();
    hls.send(sink, avTags(7000));
    await hls.service.settle();
    const owner = (name: string): unknown =>
      hls.service.ownerOf({ vhost: { name: 'other.com' }, path: `/live/${name}` });
    const stream = { vhost: 'v.com', app: 'live', stream: 'show' };
    assert.deepEqual(owner('show.m3u8'), { ...stream, isPlaylist: true });
    assert.deepEqual(owner('show.master.m3u8'), { ...stream, isPlaylist: true });
    assert.deepEqual(owner('show-0.ts'), { ...stream, isPlaylist: false });
    assert.equal(owner('none.m3u8'), undefined);
    const { service } = hls;
    assert.deepEqual(service.ownerOfPlaylist(join(path, 'live/show.m3u8')), stream);
    assert.equal(service.ownerOfPlaylist(join(path, 'live/none.m3u8')), undefined);
    assert.equal(await gate.statusOf('/live/show.m3u8', { Host: 'other.com' }), 403);
    assert.equal(await gate.statusOf('/live/show.m3u8', { Host: 'other.com', Referer }), 200);
  });
});
