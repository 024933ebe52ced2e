import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Config } from '../../../src/app/config/config';
import type { Rows } from '../../../src/app/config/row';
import { globalRows } from '../../../src/app/config/sections/global';
import { vhostRows } from '../../../src/app/config/sections/vhost';
import { CurrentConfig } from '../../../src/app/current-config';
import { Reload, reloadedRootFields } from '../../../src/app/reload';
import { reloadedVhostFields } from '../../../src/app/vhost-reload';
import { ErrorCode, SrsError } from '../../../src/core/errors';
import { RecordingLogger } from '../../support/fakes/recording-logger';

/** What the program applies by itself: its log and its pid file. */
const OF_PROGRAM = ['pid', 'logTank', 'logLevel', 'logFile'];
/** Features that are not part of this release. */
const NOT_BUILT = {
  root: ['streamCasters'],
  vhost: ['mixCorrect', 'hds', 'snapshot', 'transcode'],
};

function parse(vhosts: string, root = ''): Config {
  return Config.parse(`listen 1935; ${root} ${vhosts}`, 'test.conf');
}

describe('app/reload', () => {
  const log = new RecordingLogger();
  let config: CurrentConfig;
  let calls: string[];
  /** The call that fails, and with what. */
  let broken: { call: string; error: unknown } | undefined;
  let isStopping: boolean;

  function note(call: string): void {
    calls.push(call);
    if (broken?.call === call) throw broken.error;
  }

  function create(before: Config): Reload {
    config = new CurrentConfig(before);
    const parts = {
      config,
      log,
      isStopping: () => isStopping,
      entrances: {
        reconcile: (protocols: readonly string[]) => {
          note(`open ${protocols.join(' ')}`);
          return false;
        },
        ports: () => [1935],
      },
      pithyPrint: {
        setIntervals: () => {
          note('intervals');
        },
      },
      files: {
        setMounts: () => {
          note('mounts');
        },
      },
      operations: {
        apply: () => {
          note('operations');
        },
      },
      gate: {
        setVhosts: () => {
          note('gate');
        },
        closeVhost: (name: string) => {
          note(`gate closes ${name}`);
        },
      },
      rtmp: {
        setVhost: ({ name }: { name: string }) => {
          note(`rtmp ${name}`);
        },
        closeVhost: (name: string, reason: string) => {
          note(`rtmp closes ${name}: ${reason}`);
        },
      },
      live: {
        setVhost: ({ name }: { name: string }) => {
          note(`live ${name}`);
        },
        closeVhost: (name: string, reason: string) => {
          note(`live closes ${name}: ${reason}`);
        },
      },
      hls: {
        closeVhost: (name: string) => {
          note(`hls closes ${name}`);
        },
      },
      dvr: {
        setVhosts: (vhosts: readonly unknown[]) => {
          note(`dvr of ${vhosts.length}`);
        },
      },
      hub: {
        ofVhost: (name: string) => {
          note(`streams of ${name}`);
          return [];
        },
        dropIdle: (name: string) => {
          note(`drop ${name}`);
        },
      },
      sinks: { apply: () => undefined, end: () => undefined },
      cluster: {
        apply: () => undefined,
        applyRegistry: () => {
          note('registry');
        },
        setVhost: ({ name }: { name: string }) => {
          note(`cluster ${name}`);
        },
        closeVhost: (name: string, reason: string) => {
          note(`cluster closes ${name}: ${reason}`);
        },
      },
      ingest: {
        setPort: () => undefined,
        setVhost: ({ name, enabled }: { name: string; enabled: boolean }) => {
          note(`ingest ${name} ${enabled}`);
          return Promise.resolve([]);
        },
      },
    };
    return new Reload(parts);
  }

  beforeEach(() => {
    log.lines.length = 0;
    calls = [];
    broken = undefined;
    isStopping = false;
  });

  /** What every reload looks at, since what could not be had before is tried again. */
  const always = [
    'open RTMP RTMPS',
    'open HTTP API HTTPS API',
    'open HTTP HTTPS',
    'mounts',
    'gate',
    'registry',
    'operations',
  ];

  it('applies every option that needs no restart', () => {
    const ofRoot = Object.keys(globalRows).filter(
      (field) => globalRows[field as keyof typeof globalRows].isReloadable,
    );
    const ofVhost = Object.keys(vhostRows).filter(
      (field) => vhostRows[field as keyof typeof vhostRows].isReloadable,
    );
    assert.deepEqual(
      ofRoot.sort(),
      [...reloadedRootFields, ...OF_PROGRAM, ...NOT_BUILT.root].sort(),
    );
    assert.deepEqual(
      ofVhost.sort(),
      ['enabled', ...reloadedVhostFields, ...NOT_BUILT.vhost].sort(),
    );
  });

  it('is described for every directive of this build', () => {
    const page = readFileSync(join(__dirname, '../../../doc/reload.md'), 'utf8');
    const [, root = '', vhosts = '', options = ''] = page.split(/^\| (?:Directive|Change) .*$/m);
    const check = (text: string, rows: Rows, isOther: (field: string) => boolean): void => {
      for (const [field, { name, isReloadable }] of Object.entries(rows)) {
        if (isOther(field)) continue;
        const line = text.split('\n').find((one) => one.includes(`\`${name}\``));
        assert.ok(line, `${name} is not described`);
        assert.equal(line.includes('needs a restart'), !isReloadable, line);
      }
    };
    check(root, globalRows, (field) => NOT_BUILT.root.includes(field));
    check(vhosts + options, vhostRows, (field) => NOT_BUILT.vhost.includes(field));
  });

  it('leaves everything alone when nothing has changed', async () => {
    const reload = create(parse('vhost a.com {}'));
    assert.deepEqual(await reload.apply(parse('vhost a.com { enabled on; }')), []);
    assert.deepEqual(calls, always);
    assert.deepEqual(log.lines, [
      'trace 0 reload http_api not changed success.',
      'trace 0 reload http_stream not changed success.',
    ]);
  });

  it('puts the configuration in force before anything is told of it', async () => {
    const reload = create(parse('vhost a.com {}'));
    const next = parse('vhost b.com {}');
    const applied = reload.apply(next);
    await applied;
    assert.equal(config.value, next);
  });

  it('tells of each option of root level that has changed', async () => {
    const reload = create(parse(''));
    const root = 'max_connections 7; pithy_print { play 5000; } chunk_size 128; daemon off;';
    const lines = await reload.apply(parse('', root));
    assert.equal(lines.length, 4);
    assert.deepEqual(
      log.lines.filter((line) => line.endsWith(' success.') && !line.includes('not changed')),
      [
        'trace 0 reload pithy_print success.',
        'trace 0 reload max_connections success.',
        'trace 0 reload chunk_size success.',
      ],
    );
    assert.ok(calls.includes('intervals'));
    assert.deepEqual(log.matching('daemon'), []);
  });

  it('goes through new vhosts first, then those that are gone', async () => {
    const reload = create(parse('vhost a.com {} vhost b.com {} vhost off.com { enabled off; }'));
    const next = parse('vhost c.com {} vhost b.com { dvr { enabled on; } }');
    await reload.apply(next);
    const reason = 'vhost a.com was removed by a reload';
    assert.deepEqual(calls.slice(always.length), [
      'streams of c.com',
      'streams of c.com',
      'ingest c.com true',
      'rtmp b.com',
      'live b.com',
      'streams of b.com',
      'ingest a.com false',
      `rtmp closes a.com: ${reason}`,
      `live closes a.com: ${reason}`,
      'gate closes a.com',
      'cluster closes a.com: vhost a.com was removed by a reload',
      'streams of a.com',
      'hls closes a.com',
      'drop a.com',
      'dvr of 2',
    ]);
    assert.deepEqual(log.lines.slice(-6), [
      'trace 0 vhost c.com added, reload it.',
      'trace 0 reload new vhost c.com success.',
      'trace 0 vhost b.com maybe modified, reload its detail.',
      'trace 0 vhost b.com reload dvr success.',
      'trace 0 vhost a.com removed, reload it.',
      'trace 0 reload removed vhost a.com success.',
    ]);
  });

  it('takes a vhost that is switched off for one that is gone, and back', async () => {
    const reload = create(parse('vhost a.com {}'));
    await reload.apply(parse('vhost a.com { enabled off; }'));
    assert.ok(calls.includes('drop a.com'));
    calls = [];
    await reload.apply(parse('vhost a.com { enabled off; queue_length 5; }'));
    assert.deepEqual(calls, always);
    await reload.apply(parse('vhost a.com {}'));
    assert.equal(log.matching('reload new vhost a.com success.').length, 1);
  });

  it('closes the clients of HTTP, but no others, when http_remux is switched off', async () => {
    const reload = create(parse('vhost a.com { http_remux { enabled on; } }'));
    await reload.apply(parse('vhost a.com { http_remux { enabled on; fast_cache 3; } }'));
    assert.deepEqual(calls.slice(always.length), ['rtmp a.com', 'live a.com']);
    calls = [];
    await reload.apply(parse('vhost a.com {}'));
    assert.deepEqual(calls.slice(always.length), [
      'rtmp a.com',
      'live a.com',
      'live closes a.com: http_remux of vhost a.com was switched off by a reload',
    ]);
  });

  for (const call of always) {
    it(`goes on when this fails: ${call}`, async () => {
      const reload = create(parse('vhost a.com {}'));
      broken = { call, error: new SrsError(ErrorCode.SOCKET_BIND, 'no such thing') };
      const lines = await reload.apply(parse('vhost a.com { queue_length 5; }'));
      assert.equal(lines.length, 2);
      assert.match(lines[1]!, /^reload [a-z_ ]+ failed: no such thing, ret=1002$/);
      assert.equal(log.matching(lines[1]!).length, 1);
      assert.deepEqual(calls.slice(0, always.length), always);
      assert.equal(log.matching('vhost a.com reload queue_length success.').length, 1);
    });
  }

  it('goes on with the next vhost when something nobody expected happens in one', async () => {
    const reload = create(parse(''));
    broken = { call: 'ingest a.com true', error: new TypeError('what?') };
    const lines = await reload.apply(parse('vhost a.com {} vhost b.com {}'));
    assert.match(lines.at(-1)!, /^reload vhost a\.com failed: TypeError: what\?\n.*reload\.test/);
    assert.equal(log.matching('reload new vhost a.com success.').length, 0);
    assert.equal(log.matching('reload new vhost b.com success.').length, 1);
    // It is not taken for applied, nor for broken for ever.
    broken = undefined;
    assert.deepEqual(await reload.apply(parse('vhost b.com {}')), ['vhost a.com removed']);
  });

  it('keeps what a vhost is, origin or edge, until the next start', async () => {
    const reload = create(parse('vhost a.com {} vhost b.com { enabled off; }'));
    const edge = (name: string): string => `vhost ${name} { mode remote; origin 127.0.0.1; }`;
    const lines = await reload.apply(parse(`${edge('a.com')} ${edge('b.com')}`));
    const expected = 'reload vhost a.com mode failed: reload never supports mode changed, ret=2023';
    assert.equal(lines.at(-1), expected);
    assert.equal(log.matching('mode changed').length, 1);
    assert.equal(config.findVhost('a.com')?.mode, 'local');
    // It did not run: there is nothing to keep.
    assert.equal(config.findVhost('b.com')?.mode, 'remote');
  });

  it('keeps the origins of an edge that is to be none, and who is let in', async () => {
    const edge = 'mode remote; origin 127.0.0.1; token_traverse on;';
    const reload = create(parse(`vhost a.com { ${edge} }`));
    const lines = await reload.apply(parse('vhost a.com { queue_length 5; }'));
    assert.deepEqual(lines, [
      'vhost a.com queue_length: 30 -> 5',
      'reload vhost a.com mode failed: reload never supports mode changed, ret=2023',
    ]);
    const { mode, origin, tokenTraverse } = config.findVhost('a.com') ?? {};
    assert.deepEqual([mode, origin, tokenTraverse], ['remote', ['127.0.0.1'], true]);
  });

  it('opens nothing any more when the server has begun to end', async () => {
    const reload = create(parse('vhost a.com {}'));
    const first = reload.apply(parse('vhost b.com {}'));
    const second = reload.apply(parse('vhost c.com {}', 'max_connections 7;'));
    isStopping = true;
    assert.deepEqual(await first, []);
    assert.deepEqual(await second, []);
    assert.deepEqual(calls, []);
  });
});
