import assert from 'node:assert/strict';

import { Config, ConfigError } from '../../../../src/app/config/config';

const addresses = ['10.0.0.1', '10.0.0.2'];

function refuses(text: string, message: string): void {
  assert.throws(
    () => Config.parse(text, 'a.conf', { addresses }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.message, `a.conf${message}`);
      assert.equal(error.code, 1023);
      return true;
    },
  );
}

describe('the rules between options', () => {
  const failures: readonly [string, string, string][] = [
    ['an empty configuration', '# nothing\n', ': conf is empty'],
    ['no listen', 'chunk_size 128;', ': directive "listen" is empty, expecting at least one port, as listen 1935;'], // prettier-ignore
    ['an address given twice', 'pid a;\nlisten 1935 1935;', ':2: directive listen invalid, port=1935, must be given once'], // prettier-ignore
    ['an unknown root directive', 'listen 1;\nlisen 2;', ':2: unsupported directive lisen, did you mean "listen"?'], // prettier-ignore
    ['a directive of a vhost at root', 'listen 1; gop_cache on;', ':1: unsupported directive gop_cache, it belongs in vhost'], // prettier-ignore
    ['an unknown child of a root block', 'listen 1; http_api { foo; }', ':1: unsupported http_api directive foo'], // prettier-ignore
    ['an unknown vhost directive', 'listen 1; vhost a { foo; }', ':1: unsupported vhost directive foo'], // prettier-ignore
    ['an unknown child of hls', 'listen 1; vhost a { hls { foo; } }', ':1: unsupported vhost hls directive foo'], // prettier-ignore
    ['an unknown child of an engine', 'listen 1; vhost a { transcode { engine x { foo; } } }', ':1: unsupported vhost transcode engine directive foo'], // prettier-ignore
    ['an unknown child of a caster', 'listen 1; stream_caster { foo; }', ':1: unsupported stream_caster directive foo'], // prettier-ignore
    ['no connections', 'listen 1; max_connections 0;', ':1: directive max_connections invalid, max_connections=0, must be an integer in [1, 1000000]'], // prettier-ignore
    ['a chunk size below 128', 'listen 1; chunk_size 127;', ':1: directive chunk_size invalid, chunk_size=127, must be an integer in [128, 65536]'], // prettier-ignore
    ['a chunk size of a vhost above 65536', 'listen 1; vhost a { chunk_size 65537; }', ':1: directive vhost a chunk_size invalid, chunk_size=65537, must be an integer in [128, 65536]'], // prettier-ignore
    ['a heartbeat below a second', 'listen 1; heartbeat { interval 0.5; }', ':1: directive heartbeat interval invalid, interval=0.5, must be a number of seconds in [1, 86400]'], // prettier-ignore
    ['a negative stats network', 'listen 1; stats { network -1; }', ':1: directive stats network invalid, network=-1, must be an integer in [0, 255]'], // prettier-ignore
    ['a stats network beyond the machine', 'listen 1; stats {\nnetwork 2; }', ':2: stats network invalid, total local ip count=2, index=2'], // prettier-ignore
    ['a vhost given twice', 'listen 1;\nvhost a { }\nvhost a { }', ':3: directive "vhost" duplicated, vhost=a, first given at a.conf:2'], // prettier-ignore
    ['an ingest id given twice', 'listen 1; vhost a { ingest i { }\ningest i { } }', ':2: directive "ingest" id duplicated, vhost=a, id=i'], // prettier-ignore
    ['asprocess with daemon', 'listen 1;\nasprocess on;', ':2: daemon conflict with asprocess, expecting daemon off'], // prettier-ignore
    ['an API that asks for a secret nobody can have', 'listen 1; http_api {\nauth { enabled on; } }', ':2: http_api auth is enabled, expecting a username and password, or a token'], // prettier-ignore
    ['a user of the API without password', 'listen 1; http_api {\nauth { username a; token b; } }', ':2: http_api auth: username and password go together, expecting both or none'], // prettier-ignore
    ['encrypted low-latency HLS, whose parts leave before their segment is complete', 'listen 1; vhost a {\nhls { enabled on; hls_low_latency on; hls_keys on; } }', ':2: vhost a hls: hls_keys and hls_low_latency exclude each other'], // prettier-ignore
    ['keys that all have one name', 'listen 1; vhost a { hls { enabled on; hls_keys on;\nhls_key_file [stream].key; } }', ':2: vhost a: hls_key_file [stream].key gives all keys one name, put [seq] into it'], // prettier-ignore
    ['parts that are as long as segments', 'listen 1; vhost a {\nhls { enabled on; hls_low_latency on; hls_fragment 0.3; } }', ':2: vhost a hls: hls_part 0.2 must be at most half of hls_fragment 0.3'], // prettier-ignore
    ['a registry that is no Redis', 'listen 1;\norigin_registry http://u:p@a;', ':2: directive origin_registry invalid, expect a registry as redis[s]://[user:password@]host[:port][/db][?prefix=srs:][&ca=file], got the scheme in ***@a'], // prettier-ignore
    ['a registry without a database', 'listen 1;\norigin_registry redis://a/b;', ':2: directive origin_registry invalid, expect a registry as redis[s]://[user:password@]host[:port][/db][?prefix=srs:][&ca=file], got a database that is no number in redis://a/b'], // prettier-ignore
    ['an edge without an origin', 'listen 1; vhost a {\nmode remote; }', ':2: vhost a: mode remote needs an origin, or an origin_registry'], // prettier-ignore
  ];
  for (const [name, text, message] of failures) {
    it(`refuse ${name}`, () => {
      refuses(text, message);
    });
  }

  const ports: readonly string[] = ['0', '-1', '65536', '1935a', 'x'];
  for (const port of ports) {
    it(`refuse ${port} as a port`, () => {
      assert.throws(
        () => Config.parse(`listen ${port};`, 'a.conf'),
        (error) =>
          error instanceof ConfigError &&
          error.message.startsWith(`a.conf:1: directive listen invalid, port=${port}, must be a port in [1, 65535]`), // prettier-ignore
      );
    });
  }

  it('warn of a mount of live streams that names no container', () => {
    const text =
      'listen 1;\nvhost a { http_remux { enabled on;\nmount [vhost]/[app]/[stream].webm; } }';
    const { warnings } = Config.parse(text, 'a.conf');
    assert.deepEqual(warnings, [
      'a.conf:3: vhost a http_remux mount [vhost]/[app]/[stream].webm should end in .flv, .ts, .aac or .mp3, ' +
        'players cannot wait for a publisher',
    ]);
  });

  it('warn of segments that all have one name', () => {
    const warnings = (file: string): readonly string[] =>
      Config.parse(`listen 1; vhost a { hls { enabled on;\nhls_ts_file ${file}; } }`, 'a.conf')
        .warnings;
    for (const file of ['[stream]-[seq].ts', '[timestamp].ts', '[15]/[04][05].ts']) {
      assert.deepEqual(warnings(file), []);
    }
    assert.deepEqual(warnings('[app]/[stream].ts'), [
      'a.conf:2: vhost a hls_ts_file [app]/[stream].ts gives all segments one name: put [seq] or [timestamp] into it',
    ]);
  });

  it('warn of recordings that another vhost deletes', () => {
    const vhosts = (rows: string): string =>
      `listen 1;\nvhost a { dvr { enabled on; dvr_retain_age 60; ${rows} } }\nvhost b { dvr { enabled on; ${rows} } }`;
    const warnings = (rows: string): readonly string[] =>
      Config.parse(vhosts(rows), 'a.conf').warnings;
    assert.deepEqual(warnings('dvr_path ./[vhost]/[stream].flv;'), []);
    const [first = '', ...more] = warnings('dvr_path ./rec;');
    assert.match(first, /^a.conf:3: vhost b dvr_path is that of vhost a, so the limits/);
    assert.deepEqual(more, []);
  });

  it('allow low-latency HLS whose segments hold several parts', () => {
    Config.parse(
      'listen 1; vhost a { hls { enabled on; hls_low_latency on; hls_fragment 1; } }',
      'a',
    );
    Config.parse('listen 1; vhost a { hls { enabled on; hls_keys on; } }', 'a');
  });

  it('allow asprocess without daemon', () => {
    const { global } = Config.parse('listen 1; asprocess on; daemon off;', 'a.conf');
    assert.equal(global.asprocess, true);
  });

  it('allow several free ports on one address', () => {
    const { global } = Config.parse('listen 127.0.0.1:0 127.0.0.1:0;', 'a.conf');
    assert.equal(global.listen.length, 2);
  });

  it('allow the ingests of two vhosts to have one id', () => {
    const text = 'listen 1; vhost a { ingest i { } } vhost b { ingest i { } }';
    assert.equal(Config.parse(text, 'a.conf').vhosts.length, 2);
  });

  it('fall back to the loopback address on a machine that has no other, and say so', () => {
    const text = 'listen 1;\nstats { network 0; }';
    const features = new Set(['stats'] as const);
    const { warnings } = Config.parse(text, 'a.conf', { addresses: [], features });
    assert.deepEqual(warnings, [
      'a.conf:2: stats network: no address other than loopback, 127.0.0.1 is used',
    ]);
  });

  it('have nothing to say of addresses when no stats are asked for', () => {
    assert.deepEqual(Config.parse('listen 1;', 'a.conf', { addresses: [] }).warnings, []);
  });

  it('say what an enabled ingest lacks, and leave a disabled one alone', () => {
    const text = 'listen 1; vhost a {\ningest i { enabled on; }\ningest j { } }';
    assert.deepEqual(Config.parse(text, 'a.conf').warnings, [
      'a.conf:2: vhost a ingest i has no input url',
      'a.conf:2: vhost a ingest i has no ffmpeg (a program, or builtin)',
      'a.conf:2: vhost a ingest i has no engine output',
    ]);
  });

  it('read the addresses of this machine by themselves', () => {
    // One that has none is warned about.
    const { warnings } = Config.parse('listen 1; stats { }', 'a.conf');
    for (const warning of warnings) assert.match(warning, /no address other than loopback/);
  });
});
