/** A configuration that is changed under a running server, by every way there is. */
import assert from 'node:assert/strict';

import { packetsOf } from './support/media';
import { publish, record } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { binary } from './support/srs';
import { Web } from './support/web';

const RELOADS = 100;
const DONE = 'reload config success';

/** What may change about everything but the stream that is watched. */
function changing(round: number): string {
  const others =
    round % 3 === 0 ? '' : `vhost v${round}.com { gop_cache off; chunk_size ${128 + round}; }`;
  return `
    max_connections ${1000 + round};
    chunk_size ${4096 + round};
    pithy_print_ms ${5000 + round};
    heartbeat { enabled off; interval ${1 + round}; }
    vhost b.com { mw_latency ${100 + round}; queue_length ${10 + round}; ${round % 2 === 0 ? 'gop_cache off;' : ''} }
    ${others}`;
}

describe('a reload', () => {
  let sandbox: Sandbox;
  let web: Web;
  const api = 'http_api { enabled on; listen 127.0.0.1:0; }';
  const vhost = 'http_remux { enabled on; }';

  const start = async (global = ''): Promise<void> => {
    web = await Web.start(sandbox, { vhost, global: `${api}\n${global}` });
    await web.program.prints(/HTTP API listen at \S+ started/);
  };
  /** Writes the file anew, with this behind what it was started with. */
  const rewrite = (() => {
    let first: string | undefined;
    return (more: string): void => {
      first ??= sandbox.read('srs.conf');
      sandbox.write('srs.conf', `${first}\n${more}`);
    };
  })();
  const order = (...args: string[]): ReturnType<Sandbox['run']> =>
    sandbox.run(binary, ['-c', 'srs.conf', ...args]);
  const apiUrl = (path: string): string => {
    const [, port = ''] = /HTTP API listen at \S*:(\d+)/.exec(web.program.stdout) ?? [];
    return `http://127.0.0.1:${port}${path}`;
  };

  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.close());

  it(`leaves streams alone that it does not concern, ${RELOADS} times`, async () => {
    const path = await source('h264-aac.flv', 12);
    await start('max_connections 999;');
    const base = sandbox.read('srs.conf').replace('max_connections 999;', '');
    const recorder = record(sandbox, 'ffmpeg', web.rtmp('s'), 'rtmp.flv');
    const dump = record(sandbox, 'rtmpdump', web.rtmp('s'), 'dump.flv');
    await web.srs.hasPlayers('s', 2);
    const http = web.save('/live/s.flv', sandbox.path('http.flv'));
    await web.program.prints('type=Play(HTTP-FLV)');
    const publisher = publish(sandbox, path, web.rtmp('s'));
    await web.program.prints(/\d+B video sh/);
    for (let round = 0; round < RELOADS; round++) {
      sandbox.write('srs.conf', base + changing(round));
      web.program.kill('SIGHUP');
      await web.program.prints(DONE, round + 1);
    }
    assert.equal(publisher.hasEnded, false, 'the reloads took place while it was published');
    await publisher.succeeds();
    await web.srs.hasUnpublished();
    const { stdout } = await web.srs.stop();
    await Promise.all([recorder.ended, dump.ended, http.ended]);
    const hashes = async (file: string): Promise<string[]> =>
      (await packetsOf(file)).map((packet) => packet.data_hash);
    const sent = await hashes(path);
    for (const file of ['rtmp.flv', 'dump.flv', 'http.flv']) {
      assert.deepEqual(await hashes(sandbox.path(file)), sent, file);
    }
    assert.equal(stdout.match(/\[error\]/g), null);
  });

  it('by the command line checks the file first, and tells what is wrong where', async () => {
    await start();
    rewrite('vhost x.com { gop_cash on; }');
    const bad = await order('-s', 'reload');
    assert.notEqual(bad.status, 0);
    assert.match(bad.stdout + bad.stderr, /srs\.conf:\d+: .*gop_cash.*did you mean "gop_cache"/);
    assert.equal(web.program.count('SIGHUP'), 0);
    rewrite('vhost x.com { gop_cache off; }');
    const good = await order('-s', 'reload');
    assert.equal(good.status, 0, good.stdout);
    await web.program.prints(DONE);
    await web.program.prints('vhost x.com added, reload it.');
    await web.srs.stop();
  });

  it('by signal keeps what runs when the file is bad, and says why', async () => {
    await start();
    rewrite('no_such_thing 1;');
    web.program.kill('SIGHUP');
    await web.program.prints(/srs\.conf:\d+: .*no_such_thing/);
    await web.program.prints('ignore config reloader');
    const path = await source('h264-aac.flv', 2);
    await publish(sandbox, path, web.rtmp('s')).succeeds();
    web.program.kill('SIGTERM');
    await web.program.succeeds();
  });

  it('by the API answers with what has changed, or what is wrong', async () => {
    await start();
    const ask = (): ReturnType<Web['askAt']> => web.askAt(apiUrl('/api/v1/reload'), '-X', 'POST');
    const none = await ask();
    assert.deepEqual([none.status, (JSON.parse(none.body) as { code: number }).code], [200, 0]);
    rewrite('vhost x.com { hls { enabled on; hls_fragment 5; } }');
    assert.match((await ask()).body, /"changes":\["vhost x\.com[^"]*added/);
    rewrite('vhost x.com {');
    const bad = await ask();
    assert.equal(bad.status, 422);
    assert.match(bad.body, /"code":10\d\d.*srs\.conf:\d+/);
    web.program.kill('SIGTERM');
    await web.program.succeeds();
  });

  it('is told in advance by -t --diff', async () => {
    sandbox.write('old.conf', 'listen 1935; vhost a.com { hls { enabled on; hls_fragment 10; } }');
    sandbox.write(
      'new.conf',
      'listen 1936; daemon off; vhost a.com { hls { enabled on; hls_fragment 5; } }',
    );
    const { status, stdout } = await sandbox.run(binary, ['-t', '-c', 'new.conf', '--diff', 'old.conf']); // prettier-ignore
    assert.equal(status, 0);
    assert.match(stdout, /root listen: 1935 -> 1936\n/);
    assert.match(stdout, /vhost a\.com hls hls_fragment: 10 -> 5\n/);
    assert.match(stdout, /root daemon: on -> off \(needs a restart\)/);
    const same = await sandbox.run(binary, ['-t', '-c', 'old.conf', '--diff', 'old.conf']);
    assert.match(same.stdout, /nothing would change\n$/);
  });

  it('opens and closes ports while clients of others stay', async () => {
    await start();
    const path = await source('h264-aac.flv');
    const publisher = publish(sandbox, path, web.rtmp('s'));
    await web.program.prints(/\d+B video sh/);
    const text = sandbox.read('srs.conf').replace('listen 127.0.0.1:0;', 'listen 127.0.0.2:0;');
    sandbox.write('srs.conf', text);
    web.program.kill('SIGHUP');
    await web.program.prints(/RTMP listen at 127\.0\.0\.2:\d+ started/);
    await web.program.prints('reload listen success');
    const [, port = ''] = /RTMP listen at 127\.0\.0\.2:(\d+)/.exec(web.program.stdout) ?? [];
    const recorder = record(sandbox, 'ffmpeg', `rtmp://127.0.0.2:${port}/live/s`, 's.flv');
    await web.srs.hasPlayers('s');
    const refused = await publish(sandbox, path, web.rtmp('other')).ended;
    assert.notEqual(refused.status, 0);
    await publisher.succeeds();
    await web.srs.stop();
    await recorder.ended;
    assert.ok((await packetsOf(sandbox.path('s.flv'))).length > 10);
  });

  for (const [name, ends] of [
    ['quit', true],
    ['stop', true],
    ['reopen', false],
  ] as const) {
    it(`is not all that -s orders: ${name}`, async () => {
      await start();
      const { status, stdout, stderr } = await order('-s', name);
      assert.equal(status, 0, stdout + stderr);
      if (ends) assert.equal((await web.program.ended).status, 0);
      else await web.program.prints('log file reopened');
      assert.equal(sandbox.has('srs.pid'), !ends);
      if (!ends) await web.srs.stop();
      const late = await order('-s', name);
      assert.notEqual(late.status, 0);
      assert.match(late.stdout + late.stderr, /srs is not running/);
    });
  }
});
