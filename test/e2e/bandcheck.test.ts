/** The bandwidth check of the packed program, server and client, as conf/bandwidth.conf has it; rtmpdump and ffmpeg in its vhost. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Ended, Program } from './support/program';
import { Sandbox } from './support/sandbox';
import { binary, listenPort } from './support/srs';

const KEY = '35c9b402c12a7246868752e2878f7e0e';
const VHOST = 'bandcheck.srs.com';
const SAMPLE = join(__dirname, '../../conf/bandwidth.conf');

const FIELDS =
  'code srs_server srs_primary srs_authors srs_server_ip srs_version srs_pid srs_id ' +
  'duration play_duration publish_duration play_kbps publish_kbps';

describe('the bandwidth check', () => {
  let sandbox: Sandbox;
  let server: Program;
  let port: number;

  beforeEach(async () => {
    sandbox = new Sandbox();
    const sample = readFileSync(SAMPLE, 'utf8').replace('listen 1935;', 'listen 127.0.0.1:0;');
    const inFront = 'daemon off; srs_log_tank console; pid srs.pid;';
    sandbox.write('srs.conf', `${sample}\n${inFront}\n`);
    server = sandbox.start(binary, ['-c', 'srs.conf']);
    await server.prints(/RTMP listen at \S+ started/);
    port = listenPort(server.stdout);
  });

  afterEach(() => sandbox.close());

  const url = (params = `?key=${KEY},vhost=${VHOST}`): string =>
    `rtmp://127.0.0.1:${port}/app${params}`;
  const check = (...args: string[]): Promise<Ended> => sandbox.run(binary, args);

  function numbersOf({ stderr }: Ended): Record<string, number> {
    const value = JSON.parse(stderr) as Record<string, number>;
    assert.equal(Object.keys(value).join(' '), FIELDS);
    return value;
  }

  function assertLimit(kbps: number | undefined): void {
    assert.ok(kbps !== undefined && kbps > 3000 && kbps < 5000, `${kbps ?? 'no'} kbps`);
  }

  it('measures the limit of the file, and refuses the next one for thirty seconds', async () => {
    const done = await check('-b', url());
    assert.equal(done.status, 0, done.stdout);
    const numbers = numbersOf(done);
    assert.deepEqual([numbers['code'], numbers['srs_pid']], [0, server.pid]);
    assertLimit(numbers['play_kbps']);
    assertLimit(numbers['publish_kbps']);
    assert.match(done.stdout, /^download: \d+ kbps, \d+ bytes in \d+ ms\nupload: {3}\d+ kbps, /m);

    const again = await check('--bandcheck', url(`?vhost=${VHOST}&key=${KEY}`));
    assert.equal(again.status, 5);
    assert.equal(numbersOf(again)['code'], 1033);
    assert.match(again.stdout, /^failed: .* bandcheck rejected, ret=1033\n/m);

    server.kill('SIGTERM');
    const { stdout, stderr } = await server.succeeds();
    const { duration = 0, play_duration: a = 0, publish_duration: b = 0 } = numbers;
    assert.ok(stdout.includes(`bandwidth ok. duration=${duration}ms(${a}+${b}), play=`), stdout);
    assert.equal(stderr, '');
    for (const { stdout: text } of [done, again, { stdout }]) assert.ok(!text.includes(KEY));
  });

  it('tells a wrong key, a vhost without a check, and a server that is none', async () => {
    const cases: readonly (readonly [string, number, RegExp])[] = [
      [url(`?key=${KEY}0,vhost=${VHOST}`), 1032, /the key is missing or wrong/],
      [url(''), 2025, /expect a vhost with bandcheck, got one without/],
      ['rtmp://127.0.0.1:1/app', 1012, /cannot connect to 127\.0\.0\.1 port 1: ECONNREFUSED/],
      ['rtmp://nowhere.invalid/app', 1029, /cannot resolve nowhere\.invalid/],
    ];
    for (const [target, code, text] of cases) {
      const ended = await check('-b', target);
      assert.deepEqual([ended.status, numbersOf(ended)['code']], [5, code]);
      assert.match(ended.stdout, text);
    }
    const bad = await check('-b', 'http://127.0.0.1/app');
    assert.equal(bad.status, 1);
    assert.match(bad.stdout, /expect a url rtmp:\/\/\.\.\., got http:\S+, ret=2006\n$/);
  });

  it('has no streams for rtmpdump and ffmpeg, with the key and without', async () => {
    const refused = await Promise.all([
      sandbox.run('rtmpdump', ['-q', '-r', `rtmp://127.0.0.1:${port}/app?vhost=${VHOST}/s`]),
      sandbox.run('rtmpdump', ['-q', '-r', `rtmp://127.0.0.1:${port}/live/s?vhost=${VHOST}`]),
      sandbox.run('ffmpeg', ['-i', `${url()}/s`, '-f', 'null', '-']),
    ]);
    for (const { status } of refused) assert.notEqual(status, 0);
    server.kill('SIGTERM');
    const { stdout } = await server.succeeds();
    assert.match(stdout, /connect refused, bandcheck rejected, the key is missing or wrong/);
    assert.match(stdout, /play refused, vhost bandcheck\.srs\.com is a bandwidth check/);
    assert.match(stdout, /expect onSrsBandCheckStartingPlayBytes within 6000 ms, ret=1011/);
    assert.ok(!stdout.includes('source url='));
  });
});
