/** Hooks, as ffmpeg and curl are told of what a server of hooks decides. */
import assert from 'node:assert/strict';

import { answer, HookServer } from '../support/hook-server';

import { packetsOf } from './support/media';
import { publish, record } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Web } from './support/web';

const EVENTS = ['connect', 'close', 'publish', 'unpublish', 'play', 'stop', 'dvr', 'hls'];

describe('hooks', () => {
  let sandbox: Sandbox;
  let hooks: HookServer;
  let path: string;

  beforeEach(async () => {
    sandbox = new Sandbox();
    hooks = await HookServer.start();
    path = await source('h264-aac.flv');
  });

  afterEach(async () => {
    await sandbox.close();
    await hooks.close();
  });

  /** `http_hooks` with every event, or those given. */
  const block = (options = '', events: readonly string[] = EVENTS): string => {
    const lines = events.map((event) => `on_${event} ${hooks.url(`/hook?of=${event}`)};`);
    return `http_hooks { enabled on; ${lines.join(' ')} ${options} }`;
  };
  const rest = 'http_remux { enabled on; } hls { enabled on; hls_path html; hls_fragment 1; }';
  const dvr = 'dvr { enabled on; dvr_path html/dvr/[stream].flv; }';

  it('that refuse a publish give ffmpeg an error with the reason', async () => {
    hooks.answer = (response, request) => {
      const isBad = /"on_publish".*"stream":"bad"/.test(request.body);
      answer(isBad ? { code: 7, msg: 'quota of anna is used up' } : '0')(response, request);
    };
    const { srs } = await Web.start(sandbox, { vhost: block() });
    const refused = await publish(sandbox, path, srs.url('bad?key=hidden')).ended;
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, /quota of anna is used up/);
    await publish(sandbox, path, srs.url('good')).succeeds();
    await hooks.untilRequests(6);
    const { stdout } = await srs.stop();
    assert.match(
      stdout,
      /\[error\]\[\d+\]\[100\]\[0\] publish refused, quota of anna is used up, ret=3064\n/,
    );
    assert.ok(!stdout.includes('hidden'));
  });

  it('tell the whole story of publishers and players, in order', async () => {
    const web = await Web.start(sandbox, { vhost: `${block()} ${rest} ${dvr}` });
    const recorder = record(sandbox, 'ffmpeg', web.rtmp('s'), 's.flv');
    await web.srs.hasPlayers('s');
    await publish(sandbox, path, web.rtmp('s?user=anna')).succeeds();
    await web.srs.hasUnpublished();
    await web.srs.stop();
    await recorder.ended;
    const of = (id: unknown): unknown[] =>
      hooks.events.filter((event) => event['client_id'] === id).map(({ action }) => action);
    const [player, publisher] = [100, 101];
    assert.deepEqual(of(player), ['on_connect', 'on_play', 'on_stop', 'on_close']);
    const told = of(publisher);
    assert.deepEqual(told.slice(0, 2), ['on_connect', 'on_publish']);
    const ends = told.filter((action) => action === 'on_unpublish' || action === 'on_close');
    assert.deepEqual(ends, ['on_unpublish', 'on_close']);
    assert.ok(told.includes('on_hls'));
    const recorded = hooks.events.find(({ action }) => action === 'on_dvr');
    assert.deepEqual(
      [recorded?.['client_id'], recorded?.['stream'], recorded?.['param']],
      [publisher, 's', '?user=anna'],
    );
    assert.ok((await packetsOf(sandbox.path(String(recorded?.['file'])))).length > 100);
    assert.ok(hooks.requests.every(({ path: url }) => url.startsWith('/hook?of=')));
  });

  it('that never answer hold up nobody else, and their own clients are refused in time', async () => {
    hooks.answer = () => undefined;
    const { srs } = await Web.start(sandbox, {
      global: `vhost hung.com { ${block('timeout 2;')} }`,
    });
    const hung = Array.from({ length: 10 }, (_, index) =>
      publish(sandbox, path, `rtmp://127.0.0.1:${srs.port}/live?vhost=hung.com/s${index}`),
    );
    await hooks.untilRequests(10);
    const recorder = record(sandbox, 'ffmpeg', srs.url('free'), 'free.flv');
    await srs.hasPlayers('free');
    await publish(sandbox, path, srs.url('free')).succeeds();
    // What it has sent is read by then.
    await srs.program.prints(/cleanup when unpublish/);
    for (const one of hung) {
      const { status, stderr } = await one.ended;
      assert.notEqual(status, 0);
      assert.match(stderr, /the server cannot decide on it now/);
    }
    await srs.stop();
    await recorder.ended;
    const hashes = (packets: Awaited<ReturnType<typeof packetsOf>>): string[] =>
      packets.map((packet) => packet.data_hash);
    assert.deepEqual(
      hashes(await packetsOf(sandbox.path('free.flv'))),
      hashes(await packetsOf(path)),
    );
  });

  for (const [what, reply] of [
    ['garbage', answer('<html>oops</html>')],
    ['an error of the server', answer('0', 500)],
    ['nothing', answer('')],
  ] as const) {
    it(`that answer with ${what} refuse, or let in where on_failure allows it`, async () => {
      hooks.answer = reply;
      const global = `vhost open.com { ${block('on_failure allow; retries 0;', ['publish'])} }`;
      const { srs } = await Web.start(sandbox, { vhost: block('retries 0;', ['publish']), global });
      assert.notEqual((await publish(sandbox, path, srs.url('s')).ended).status, 0);
      const open = `rtmp://127.0.0.1:${srs.port}/live?vhost=open.com/s`;
      const publisher = publish(sandbox, path, open);
      await srs.program.prints(/\d+B video sh/);
      publisher.kill('SIGTERM');
      await publisher.ended;
      await srs.stop();
    });
  }

  it('decide on viewers over HTTP-FLV and HLS, too', async () => {
    hooks.answer = (response, request) => {
      const isGood = request.body.includes('pass=yes') || !request.body.includes('"on_play"');
      answer(isGood ? { code: 0 } : { code: 1, reason: 'no pass' })(response, request);
    };
    const web = await Web.start(sandbox, { vhost: `${block('', ['play', 'stop'])} ${rest}` });
    const publisher = publish(sandbox, path, web.rtmp('s'));
    await web.program.prints(/\d+B video sh/);
    const refused = await web.ask('/live/s.flv');
    assert.equal(refused.status, 403);
    assert.match(refused.body, /no pass/);
    await sandbox.until('a playlist', () => sandbox.has('html/live/s.m3u8'), 'html/live');
    assert.equal((await web.ask('/live/s.m3u8')).status, 403);
    const playlist = await web.ask('/live/s.m3u8?pass=yes');
    assert.equal(playlist.status, 200);
    const [segment = ''] = playlist.body.split('\n').filter((line) => /^[^#]/.test(line));
    assert.match(segment, /\?pass=yes$/);
    assert.equal((await web.ask(`/live/${segment}`)).status, 200);
    publisher.kill('SIGTERM');
    await publisher.ended;
    await web.srs.stop();
    // The viewer's session ends with the server at the latest.
    assert.equal(hooks.actions.filter((action) => action === 'on_stop').length, 1);
  });
});
