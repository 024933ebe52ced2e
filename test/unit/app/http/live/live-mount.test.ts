import assert from 'node:assert/strict';

import { LiveMount } from '../../../../../src/app/http/live/live-mount';

const DEFAULT = '[vhost]/[app]/[stream].flv';

describe('a live mount', () => {
  it('finds app, stream and container, whatever the extension of the template', () => {
    const mount = new LiveMount(DEFAULT, '__defaultVhost__');
    assert.equal(mount.container, 'flv');
    for (const container of ['flv', 'ts', 'aac', 'mp3']) {
      const expected = { app: 'live', stream: 'a.b', container };
      assert.deepEqual(mount.match('any.test', `/live/a.b.${container}`), expected);
    }
    assert.equal(new LiveMount('[vhost]/[app]/[stream].aac', 'v').container, 'aac');
  });

  it('takes slashes for the app', () => {
    const mount = new LiveMount(DEFAULT, 'v.test');
    assert.deepEqual(mount.match('v.test', '/a/b/c.ts'), {
      app: 'a/b',
      stream: 'c',
      container: 'ts',
    });
  });

  it('knows nothing of other paths', () => {
    const mount = new LiveMount(DEFAULT, 'v.test');
    for (const path of [
      '/',
      '/s.flv',
      '/live/',
      '/live/s',
      '/live/s.FLV',
      '/live/.flv',
      '/live/s.flv/',
    ]) {
      assert.equal(mount.match('v.test', path), undefined, path);
    }
  });

  it('serves every host that leads to the vhost where the template begins with [vhost] or a slash', () => {
    for (const template of [
      DEFAULT,
      '/[app]/[stream].flv',
      '__defaultVhost__/[app]/[stream].flv',
    ]) {
      const mount = new LiveMount(template, 'v.test');
      assert.ok(mount.match('192.0.2.1', '/live/s.flv'), template);
    }
  });

  it('serves one host where the template names it', () => {
    for (const template of ['Cdn.test/[app]/[stream].flv', 'cdn.[vhost]/[app]/[stream].flv']) {
      const mount = new LiveMount(template, 'test');
      assert.ok(mount.match('cdn.test', '/live/s.flv'), template);
      assert.equal(mount.match('other.test', '/live/s.flv'), undefined, template);
    }
  });

  it('replaces [vhost] within the path, and takes the rest as it stands', () => {
    const mount = new LiveMount('/hdl/[vhost]/[app]/x-[stream].(1).flv', 'v.test');
    assert.deepEqual(mount.match('', '/hdl/v.test/live/x-s.(1).flv'), {
      app: 'live',
      stream: 's',
      container: 'flv',
    });
    assert.equal(mount.match('', '/hdl/vxtest/live/x-s.(1).flv'), undefined);
    const nameless = new LiveMount('/hdl/[vhost]/[app]/[stream].flv', '__defaultVhost__');
    assert.ok(nameless.match('', '/hdl/live/s.flv'));
  });

  it('reads what the template does not name off the path', () => {
    const mount = new LiveMount('[vhost]/live/[stream].flv', 'v');
    assert.deepEqual(mount.match('', '/live/s.flv'), {
      app: 'live',
      stream: 's',
      container: 'flv',
    });
    assert.equal(mount.match('', '/other/s.flv'), undefined);
    const fixed = new LiveMount('[vhost]/live/one.flv', 'v');
    assert.equal(fixed.match('', '/live/one.ts')?.stream, 'one');
    assert.ok(new LiveMount('/[stream]/[app]/[stream].flv', 'v').match('', '/a/b/[stream].flv'));
  });

  it('has no container of its own when its extension is unknown', () => {
    const mount = new LiveMount('[vhost]/[app]/[stream]', 'v');
    assert.equal(mount.container, undefined);
    assert.ok(mount.match('', '/live/s.flv'));
  });
});
