import assert from 'node:assert/strict';

import { Config } from '../../../../src/app/config/config';
import { diffConfigs } from '../../../../src/app/config/diff';
import type { ConfigChange } from '../../../../src/app/config/diff';

const parse = (text: string, file: string): Config => Config.parse(`listen 1935;\n${text}`, file);

function changesOf(before: string, after: string): readonly ConfigChange[] {
  return diffConfigs(parse(before, 'old.conf'), parse(after, 'new.conf'));
}

const textsOf = (before: string, after: string): string[] =>
  changesOf(before, after).map(({ text }) => text);

const vhost = (inner: string): string => `vhost a.com { ${inner} }`;

describe('diffConfigs', () => {
  it('finds nothing where values are the same, however they are spelled', () => {
    const same: readonly (readonly [string, string])[] = [
      ['', ''],
      ['', '# a comment\nchunk_size 60000;'],
      ['http_stream { enabled on; listen 8080; }', 'http_server { listen 8080; enabled on; }'],
      [vhost('gop_cache on;'), vhost('')],
      ['vhost a.com { } vhost b.com { }', 'vhost b.com { } vhost a.com { }'],
      [`chunk_size 4096; ${vhost('chunk_size 4096;')}`, `chunk_size 4096; ${vhost('')}`],
    ];
    for (const [before, after] of same) assert.deepEqual(textsOf(before, after), [], after);
  });

  it('tells what was and what is, in the words of the file', () => {
    assert.deepEqual(changesOf('chunk_size 5000;', 'chunk_size 4096;'), [
      {
        vhost: undefined,
        field: 'chunkSize',
        kind: 'changed',
        text: 'root chunk_size: 5000 -> 4096',
        needsRestart: false,
      },
    ]);
    assert.deepEqual(
      changesOf(vhost(''), vhost('hls { enabled on; hls_fragment 5; }')),
      ['enabled: off -> on', 'hls_fragment: 10 -> 5'].map((text) => ({
        vhost: 'a.com',
        field: 'hls',
        kind: 'changed',
        text: `vhost a.com hls ${text}`,
        needsRestart: false,
      })),
    );
  });

  it('tells all values of a directive that has several', () => {
    const before = vhost('security { enabled on; allow play all; }');
    const after = vhost('security { enabled on; allow play all; deny publish 10.0.0.0/8; }');
    assert.deepEqual(textsOf(before, after), [
      'vhost a.com security deny: none -> publish 10.0.0.0/8',
    ]);
    const listen = diffConfigs(
      Config.parse('listen 1935 1936;', 'a'),
      Config.parse('listen 127.0.0.1:1935;', 'b'),
    );
    assert.deepEqual(
      listen.map(({ text }) => text),
      ['root listen: 1935 1936 -> 127.0.0.1:1935'],
    );
  });

  it('tells vhosts that came and went, after those that stayed', () => {
    assert.deepEqual(
      changesOf(
        'vhost a.com { } vhost old.com { }',
        'vhost new.com { } vhost a.com { gop_cache off; }',
      ).map(({ vhost: name, field, kind, text }) => [name, field, kind, text]),
      [
        ['new.com', 'vhost', 'added', 'vhost new.com added'],
        ['a.com', 'gopCache', 'changed', 'vhost a.com gop_cache: on -> off'],
        ['old.com', 'vhost', 'removed', 'vhost old.com removed'],
      ],
    );
  });

  it('tells an inherited value once, where it is written', () => {
    const vhosts = 'vhost a.com { } vhost b.com { } vhost c.com { chunk_size 128; }';
    assert.deepEqual(textsOf(vhosts, `chunk_size 4096; ${vhosts}`), [
      'root chunk_size: 60000 -> 4096',
    ]);
    assert.deepEqual(textsOf(vhosts, vhosts.replace('chunk_size 128;', '')), [
      "vhost c.com chunk_size: 128 -> root's chunk_size",
    ]);
  });

  it('tells blocks of one name apart by their argument', () => {
    const ingest = (name: string, url: string): string =>
      `ingest ${name} { enabled on; ffmpeg builtin; input { type file; url ${url}; } engine { output rtmp://h/a/b; } }`;
    assert.deepEqual(
      changesOf(
        vhost(ingest('x', 'a.flv') + ingest('gone', 'a.flv')),
        vhost(ingest('y', 'a.flv') + ingest('x', 'b.flv')),
      ).map(({ field, kind, text }) => [field, kind, text]),
      [
        ['ingest', 'added', 'vhost a.com ingest y added'],
        ['ingest', 'changed', 'vhost a.com ingest x: changed'],
        ['ingest', 'removed', 'vhost a.com ingest gone removed'],
      ],
    );
    const [x, y] = [ingest('x', 'a.flv'), ingest('y', 'a.flv')];
    assert.deepEqual(textsOf(vhost(x + y), vhost(y + x)), ['vhost a.com ingest: order changed']);
  });

  it('shows no stream key and no password of a URL', () => {
    assert.deepEqual(
      [
        textsOf(
          vhost('forward rtmp://a.com/live2/abcd-efgh b.com;'),
          vhost('forward rtmp://a.com/live2/ijkl-mnop?x=1 b.com;'),
        ),
        textsOf(vhost(''), vhost('forward { destination rtmps://a.com/app/key; }')),
        textsOf('origin_registry redis://:abc@h/0;', 'origin_registry redis://:def@h/1;'),
        textsOf('origin_registry redis://:abc@h/0;', 'origin_registry redis://:def@h/0;'),
      ].flat(),
      [
        'vhost a.com forward destination: rtmp://a.com/live2/*** b.com -> rtmp://a.com/live2/***?x=1 b.com',
        'vhost a.com forward destination: none -> rtmps://a.com/app/***',
        'root origin_registry: redis://***@h/0 -> redis://***@h/1',
        'root origin_registry: changed',
      ],
    );
  });

  it('shows no secret', () => {
    const api = (auth: string): string => `http_api { enabled on; auth { enabled on; ${auth} } }`;
    const texts = [
      ...textsOf(api('token abc;'), api('token def;')),
      ...textsOf(api('username u; password abc;'), api('username u; password def;')),
      ...textsOf(
        vhost('auth { enabled on; secret abc; signed play; }'),
        vhost('auth { enabled on; secret def abc; signed play publish; }'),
      ),
      ...textsOf(
        vhost('http_hooks { enabled on; on_play http://u:abc@h/?token=abc; secret abc; }'),
        vhost('http_hooks { enabled on; on_play http://u:def@h/?token=def&a=1; secret def; }'),
      ),
      ...textsOf(
        'heartbeat { enabled on; url http://u:abc@h/; }',
        'heartbeat { enabled on; url http://u:def@h/; }',
      ),
    ];
    assert.deepEqual(texts, [
      'root http_api auth token: *** -> ***',
      'root http_api auth password: *** -> ***',
      'vhost a.com auth secret: *** -> ***',
      'vhost a.com auth signed: play -> play publish',
      'vhost a.com http_hooks on_play: http://***@h/?token=*** -> http://***@h/?token=***&a=1',
      'vhost a.com http_hooks secret: *** -> ***',
      'root heartbeat url: changed',
    ]);
  });

  it('marks what needs a restart', () => {
    const changes = changesOf('', 'daemon off; work_dir /tmp; asprocess on; max_connections 9;');
    assert.deepEqual(
      changes.map(({ text, needsRestart }) => [text, needsRestart]),
      [
        ['root max_connections: 1000 -> 9', false],
        ['root daemon: on -> off (needs a restart)', true],
        ['root work_dir: ./ -> /tmp (needs a restart)', true],
        ['root asprocess: off -> on (needs a restart)', true],
      ],
    );
  });

  it('compares what the command line replaced as it was replaced', () => {
    const [before, after] = [parse('', 'a'), Config.parse('listen 1936;', 'b')].map((config) =>
      config.withGlobal({ listen: [{ host: '', port: 1 }] }),
    );
    assert.deepEqual(diffConfigs(before!, after!), []);
  });
});
