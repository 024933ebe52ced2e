import assert from 'node:assert/strict';

import { Config } from '../../../../src/app/config/config';
import { findMount, mountsOf } from '../../../../src/app/http/mounts';
import type { MountMatch } from '../../../../src/app/http/mounts';

const vhostText = (name: string, mount: string, dir: string, enabled = 'on'): string =>
  `vhost ${name} { http_static { enabled ${enabled}; mount ${mount}; dir ${dir}; } }`;

describe('mounts', () => {
  const { vhosts } = Config.parse(
    [
      'listen 1935;',
      vhostText('__defaultVhost__', '[vhost]/hls', './default'),
      vhostText('demo.test', '[vhost]/', './demo'),
      vhostText('Deep.test', '[vhost]/hls/deep/', './deep'),
      vhostText('path.test', '/console', './console'),
      vhostText('off.test', '[vhost]/', './off', 'off'),
    ].join('\n'),
    'test.conf',
    { addresses: [] },
  );
  const mounts = mountsOf(vhosts, './root');

  const find = (host: string, path: string, vhost?: string): MountMatch =>
    findMount(mounts, { host, path, vhost: vhost === undefined ? undefined : { name: vhost } });
  const where = (match: MountMatch): string =>
    typeof match === 'object' ? `${match.mount.dir} ${match.below}` : String(match);

  const cases: [string, string, string][] = [
    ['any.test', '/a/b', './root a/b'],
    ['any.test', '/', './root '],
    ['any.test', '/hls/a.ts', './default a.ts'],
    ['any.test', '/hls/', './default '],
    ['any.test', '/hls', 'add-slash'],
    ['any.test', '/hlsx/a', './root hlsx/a'],
    ['any.test', '/hl', './root hl'],
    ['demo.test', '/hls/a.ts', './demo hls/a.ts'],
    ['deep.test', '/hls/deep/a', './deep a'],
    ['deep.test', '/hls/deeper', './default deeper'],
    ['other.test', '/console/x/', './console x/'],
    ['off.test', '/a', './root a'],
  ];
  for (const [host, path, expected] of cases) {
    it(`lead ${host}${path} to ${expected}`, () => {
      assert.equal(where(find(host, path)), expected);
    });
  }

  it('may be none', () => {
    assert.equal(findMount([], { host: 'a.test', path: '/', vhost: undefined }), undefined);
  });

  it('follow the vhost where another name than the host chose it', () => {
    assert.equal(where(find('any.test', '/a', 'demo.test')), './demo a');
  });
});
