import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Config, ConfigError } from '../../../../src/app/config/config';
import type { VhostOptions } from '../../../../src/app/config/config';

const parse = (text: string): Config => Config.parse(text, 'a.conf', { addresses: ['10.0.0.1'] });

/** Options of one vhost with these directives. */
function vhost(text: string): VhostOptions {
  const [options] = parse(`listen 1935; vhost a.com { ${text} }`).vhosts;
  assert.ok(options);
  return options;
}

describe('the root options', () => {
  it('have the documented defaults', () => {
    const { global, vhosts, warnings, file } = parse('listen 1935;');
    const { listen, pithyPrintMs, heartbeat, stats, httpApi, httpServer, ...plain } = global;
    assert.deepEqual(plain, {
      rtmpsListen: [],
      rtmpsKey: './conf/server.key',
      rtmpsCert: './conf/server.crt',
      maxConnections: 1000,
      trustedProxies: [],
      chunkSize: 60000,
      pid: './objs/srs.pid',
      daemon: true,
      workDir: './',
      asprocess: false,
      utcTime: false,
      queryLatestVersion: true,
      ffLogDir: './objs',
      logTank: 'file',
      logLevel: 'trace',
      logFile: './objs/srs.log',
      pithyPrintDefaultMs: 10000,
      streamCasters: [],
      originAnnounce: '',
      originRegistry: '',
      originRegistryLeaseMs: 10000,
      resolver: [],
    });
    assert.deepEqual(listen, [{ host: '', port: 1935 }]);
    const ms = 10000;
    const stages = { publish: ms, play: ms, forwarder: ms, encoder: ms, ingester: ms, hls: ms, edge: ms }; // prettier-ignore
    assert.deepEqual(pithyPrintMs, stages);
    const url = 'http://127.0.0.1:8085/api/v1/servers';
    const report = { enabled: false, intervalMs: 9900, url, deviceId: '', summaries: false };
    assert.deepEqual(heartbeat, report);
    assert.deepEqual(stats, { network: 0, disk: [] });
    const { https: apiHttps, ...apiPlain } = httpApi;
    const api = { enabled: false, listen: [{ host: '', port: 1985 }], crossdomain: true };
    const auth = { enabled: false, username: '', password: '', token: '' };
    assert.deepEqual(apiPlain, { ...api, jsonp: 'on', auth });
    const { https, ...server } = httpServer;
    const files = { enabled: false, dir: './objs/nginx/html', crossdomain: true };
    assert.deepEqual(server, { ...files, listen: [{ host: '', port: 8080 }] });
    const pair = { key: './conf/server.key', cert: './conf/server.crt' };
    assert.deepEqual(https, { enabled: false, listen: [{ host: '', port: 8088 }], ...pair });
    assert.deepEqual(apiHttps, { ...https, listen: [{ host: '', port: 1990 }] });
    assert.deepEqual([vhosts, warnings, file], [[], [], 'a.conf']);
  });

  it('take several listen addresses, IPv6 among them', () => {
    assert.deepEqual(parse('listen 1935 127.0.0.1:19350 [::]:1936;').global.listen, [
      { host: '', port: 1935 },
      { host: '127.0.0.1', port: 19350 },
      { host: '::', port: 1936 },
    ]);
  });

  it('let pithy_print_ms stand for the stages that pithy_print leaves out', () => {
    const text = 'listen 1; pithy_print { play 500; } pithy_print_ms 2000;';
    const { pithyPrintMs } = parse(text).global;
    assert.deepEqual([pithyPrintMs.play, pithyPrintMs.publish], [500, 2000]);
  });

  it('accept http_stream for http_server', () => {
    const { httpServer } = parse('listen 1; http_stream { enabled on; listen 80; }').global;
    assert.deepEqual([httpServer.enabled, httpServer.listen[0]?.port], [true, 80]);
  });

  it('can be replaced, as by the command line', () => {
    const config = parse('listen 1935; vhost a.com { }');
    const changed = config.withGlobal({ listen: [{ host: '', port: 1 }], daemon: false });
    assert.deepEqual([changed.global.listen[0]?.port, changed.global.daemon], [1, false]);
    assert.equal(changed.global.maxConnections, 1000);
    assert.equal(changed.findVhost('a.com'), config.findVhost('a.com'));
    assert.equal(config.global.daemon, true);
  });
});

describe('the options of a vhost', () => {
  it('have the documented defaults', () => {
    const { httpStatic, httpRemux, httpHooks, hls, hds, dvr, snapshot, bandcheck, ...rest } =
      vhost('');
    assert.deepEqual(rest, {
      name: 'a.com',
      enabled: true,
      chunkSize: 60000,
      gopCache: true,
      gopCacheMaxBytes: 32 * 1024 * 1024,
      queueLengthMs: 30000,
      timeJitter: 'full',
      mixCorrect: false,
      atc: false,
      atcAuto: true,
      reduceSequenceHeader: true,
      mwLatencyMs: 350,
      minLatency: false,
      mr: { enabled: false, latencyMs: 350 },
      tcpNodelay: true,
      sendMinIntervalMs: 0,
      publishConflict: 'auto',
      publishConflictIdleMs: 3000,
      publishFirstPacketTimeoutMs: 20000,
      publishNormalTimeoutMs: 30000,
      publish: { parseSps: true },
      refer: [],
      referPlay: [],
      referPublish: [],
      security: { enabled: false, allow: [], deny: [] },
      auth: { enabled: false, keys: [], secrets: [], signed: [] },
      limits: { clients: 0, publishers: 0, kbps: 0, publisherKbps: 0 },
      mode: 'local',
      origin: [],
      upstreamVerify: true,
      upstreamVhost: '[vhost]',
      tokenTraverse: false,
      debugSrsUpnode: true,
      edgeLingerMs: 10000,
      edgeTimeoutMs: 3000,
      forward: { enabled: true, destinations: [], backend: '', vhost: '', refer: '' },
      forwardBackend: '',
      transcode: [],
      ingest: [],
    });
    for (const { enabled } of [httpStatic, httpRemux, httpHooks, hls, hds, dvr, snapshot]) {
      assert.equal(enabled, false);
    }
    const test = { enabled: false, key: '', intervalMs: 30000, limitKbps: 1000 };
    assert.deepEqual(bandcheck, test);
  });

  it('take chunk_size from root unless they have their own', () => {
    const config = parse('vhost a { } vhost b { chunk_size 128; } listen 1; chunk_size 4096;');
    assert.deepEqual(config.vhosts.map(({ chunkSize }) => chunkSize), [4096, 128]); // prettier-ignore
  });

  it('hold what the file says, in the units of their names', () => {
    const options = vhost(`gop_cache off; queue_length 10; mw_latency 100; min_latency on;
      mr { enabled on; latency 500; } publish_conflict takeover; publish_conflict_idle 1.5;
      gop_cache_max_bytes 1m; refer github.com github.io; hls { hls_fragment 2.5; }
      security { enabled on; allow play all; deny publish 10.0.0.0/8; }
      auth { enabled on; key publish first-key; key play second-key live/s; secret new-secret-of-sixteen old-secret-of-sixteen; signed play; }
      limits { clients 5; publishers 4; kbps 3000; publisher_kbps 2000; }`);
    assert.equal(options.gopCache, false);
    assert.equal(options.queueLengthMs, 10000);
    assert.equal(options.mwLatencyMs, 100);
    assert.equal(options.minLatency, true);
    assert.deepEqual(options.mr, { enabled: true, latencyMs: 500 });
    assert.equal(options.publishConflict, 'takeover');
    assert.equal(options.publishConflictIdleMs, 1500);
    assert.equal(options.gopCacheMaxBytes, 1048576);
    assert.deepEqual(options.refer, ['github.com', 'github.io']);
    assert.equal(options.hls.fragmentMs, 2500);
    assert.deepEqual(options.security.allow, [['play', null]]);
    assert.deepEqual(options.security.deny, [['publish', { address: '10.0.0.0', prefix: 8 }]]);
    assert.deepEqual(options.auth, {
      enabled: true,
      keys: [
        ['publish', 'first-key', undefined],
        ['play', 'second-key', 'live/s'],
      ],
      secrets: ['new-secret-of-sixteen', 'old-secret-of-sixteen'],
      signed: ['play'],
    });
    const limits = { clients: 5, publishers: 4, kbps: 3000, publisherKbps: 2000 };
    assert.deepEqual(options.limits, limits);
  });

  it('read ingests with their engines', () => {
    const [ingest] = vhost(`ingest livestream {
      enabled on; ffmpeg builtin;
      input { type file; url bundled:sample.flv; }
      engine copy { output rtmp://127.0.0.1:[port]/live?vhost=[vhost]/livestream; }
    }`).ingest;
    assert.equal(ingest?.id, 'livestream');
    assert.equal(ingest.enabled, true);
    assert.equal(ingest.ffmpeg, 'builtin');
    assert.deepEqual(ingest.input, { type: 'file', url: 'bundled:sample.flv' });
    const [engine] = ingest.engines;
    assert.equal(engine?.name, 'copy');
    assert.equal(engine.output, 'rtmp://127.0.0.1:[port]/live?vhost=[vhost]/livestream');
  });

  it('read transcodes with the filters and parameters of their engines in order', () => {
    const [transcode] = vhost(`transcode live/livestream { ffmpeg ./ffmpeg;
      engine ff { vfilter { i ./logo.png; filter_complex 'overlay=10:10'; } vfps 29.97; }
    }`).transcode;
    assert.equal(transcode?.scope, 'live/livestream');
    const [engine] = transcode.engines;
    assert.equal(engine?.vfps, 29.97);
    const filters = [['i', './logo.png'], ['filter_complex', 'overlay=10:10']]; // prettier-ignore
    assert.deepEqual(engine.vfilter, filters);
  });

  it('take the destinations of forward before its block, inside it, and both', () => {
    const forward = (text: string): readonly string[] => vhost(text).forward.destinations;
    assert.deepEqual(forward('forward a b:1936;'), ['a', 'b:1936']);
    assert.deepEqual(forward('forward a b:1936 { enabled on; vhost x; }'), ['a', 'b:1936']);
    assert.deepEqual(forward('forward a { destination b rtmps://c/live/key; }'), ['a', 'b', 'rtmps://c/live/key']); // prettier-ignore
    assert.deepEqual(forward('forward { destination a; destination b c; }'), ['a', 'b', 'c']);
    assert.deepEqual(forward('forward { }'), []);
    assert.equal(vhost('forward { enabled off; destination a; }').forward.enabled, false);
    assert.equal(vhost('forward { backend http://a/b; }').forward.backend, 'http://a/b');
    assert.throws(() => vhost('forward;'), /vhost a.com forward expects a value/);
    assert.throws(
      () => vhost('forward { destination a/b; }'),
      /destination invalid, destination=a\/b/,
    );
  });
});

describe('finding a vhost', () => {
  const config = parse(`listen 1; vhost a.com { } vhost off.com { enabled off; }
    vhost __defaultVhost__ { gop_cache off; }`);

  it('prefers the one of that name', () => {
    assert.equal(config.findVhost('a.com')?.name, 'a.com');
  });

  it('falls back to the default vhost, and compares exactly', () => {
    for (const name of ['b.com', 'A.com', '']) {
      assert.equal(config.findVhost(name)?.name, '__defaultVhost__', name);
    }
  });

  it('finds nothing for a disabled vhost', () => {
    assert.equal(config.findVhost('off.com'), undefined);
  });

  it('finds nothing without a default vhost, or with a disabled one', () => {
    assert.equal(parse('listen 1; vhost a { }').findVhost('b'), undefined);
    const disabled = parse('listen 1; vhost __defaultVhost__ { enabled off; }');
    assert.equal(disabled.findVhost('b'), undefined);
  });

  it('keeps a vhost without a name for clients without one', () => {
    assert.equal(parse('listen 1; vhost { }').findVhost('')?.name, '');
  });
});

describe('features in a file', () => {
  const warningsOf = (text: string): readonly string[] => parse(`listen 1;\n${text}`).warnings;

  it('are warned about once each, with place and vhost', () => {
    const text = 'vhost a.com {\nhds { enabled on; hds_fragment 2; }\nmix_correct on;\ntranscode { enabled on; engine { enabled on; } }\n}'; // prettier-ignore
    assert.deepEqual(warningsOf(text), [
      'a.conf:3: vhost a.com: "hds" is not available in this build and is ignored',
      'a.conf:4: vhost a.com: "mix_correct on" is not available in this build and is ignored',
      'a.conf:5: vhost a.com: "transcode" is not available in this build and is ignored',
    ]);
  });

  it('are not mentioned when they are off or the vhost is', () => {
    assert.deepEqual(warningsOf('http_api { } vhost a { dvr { } mode local; refer b; }'), []);
    assert.deepEqual(
      warningsOf('vhost a { enabled off; hls { enabled on; } mix_correct on; }'),
      [],
    );
  });

  it('tell an ingest by ffmpeg from the built-in one', () => {
    const ingest = (ffmpeg: string): string =>
      `vhost a { ingest i { enabled on; ffmpeg ${ffmpeg}; input { url a.flv; } engine { output b; } } }`;
    assert.deepEqual(warningsOf(ingest('builtin')), []);
    assert.match(warningsOf(ingest('./ffmpeg'))[0] ?? '', /^a.conf:2: vhost a ingest i: .*ffmpeg/);
  });

  it('are accepted silently by a build that has them', () => {
    const features = new Set(['hls'] as const);
    const text = 'listen 1; vhost a { hls { enabled on; } }';
    assert.deepEqual(Config.parse(text, 'a.conf', { features }).warnings, []);
  });
});

describe('loading a file', () => {
  let dir = '';

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'srs-config-'));
  });

  after(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('reads it with what it includes', () => {
    const file = join(dir, 'a.conf');
    writeFileSync(join(dir, 'vhosts.conf'), 'vhost a.com { }');
    writeFileSync(file, 'listen 1935;\ninclude vhosts.conf;');
    assert.equal(Config.load(file).findVhost('a.com')?.name, 'a.com');
  });

  it('tells an empty file from one that cannot be opened', () => {
    const file = join(dir, 'empty.conf');
    writeFileSync(file, '');
    const codeOf = (code: number) => (error: unknown) =>
      error instanceof ConfigError && error.code === code;
    assert.throws(() => Config.load(file), codeOf(1046));
    assert.throws(() => Config.load(join(dir, 'none.conf')), codeOf(1042));
    assert.throws(() => Config.load(dir), codeOf(1044));
  });
});
