import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { PathTemplate, unsafeNameReason } from '../../../src/files/path-template';
import type { PathVariables } from '../../../src/files/path-template';

const nowMs = Date.UTC(2026, 6, 9, 8, 7, 6, 54);
const names: PathVariables = { vhost: 'example.com', app: 'live', stream: 'cam', nowMs };

function resolved(template: string, changes: Partial<PathVariables> = {}): string {
  return new PathTemplate(template, () => true).resolve({ ...names, ...changes });
}

describe('PathTemplate', () => {
  it('replaces names, number, time and date parts', () => {
    assert.equal(
      resolved('/data/[vhost]/[app]/[stream]-[seq].[timestamp].ts', { seq: 7 }),
      `/data/example.com/live/cam-7.${nowMs}.ts`,
    );
    assert.equal(
      resolved('/d/[2006]-[01]-[02]/[15].[04].[05].[999]'),
      '/d/2026-07-09/08.07.06.054',
    );
    assert.equal(resolved('/d/[timestamp]-[seq]', { timestamp: 12 }), '/d/12-0');
  });

  it('gives the date in local time unless asked for UTC', () => {
    const date = new Date(nowMs);
    const local = new PathTemplate('/d/[02].[15].[04]', () => false).resolve(names);
    const parts = [date.getDate(), date.getHours(), date.getMinutes()];
    assert.equal(local, `/d/${parts.map((part) => String(part).padStart(2, '0')).join('.')}`);
  });

  it('leaves other brackets alone and replaces a variable each time it occurs', () => {
    assert.equal(resolved('/d/[app]/[app][host].flv'), '/d/live/live[host].flv');
  });

  it('knows the directory before the first variable', () => {
    const root = (template: string): string => new PathTemplate(template, () => true).root;
    assert.equal(root('./objs/html/[app]/[stream].flv'), './objs/html');
    assert.equal(root('/data/rec-[app].flv'), '/data');
    assert.equal(root('/data/[app]'), '/data');
    assert.equal(root('/[app]'), '/');
    assert.equal(root('[app]/x'), '.');
    assert.equal(root('./[app]/x'), '.');
    assert.equal(root('/data/all.flv'), '/data');
  });

  it('keeps the leading dot of a relative path and collapses slashes', () => {
    assert.equal(resolved('./objs//html/[app]/[stream]', { app: 'a//b' }), './objs/html/a/b/cam');
  });

  it('refuses names that would leave the root, saying which and why', () => {
    for (const changes of [
      { stream: '../../etc/passwd' },
      { app: '..' },
      { stream: '%2e%2e/x' },
      { vhost: '/x' },
    ]) {
      assert.throws(
        () => resolved('/data/[vhost]/[app]/[stream].flv', changes),
        (error) =>
          error instanceof SrsError &&
          error.code === ErrorCode.SYSTEM_FILE_OPENE &&
          error.message.includes(JSON.stringify(Object.values(changes)[0])),
      );
    }
  });

  it('does not mind a bad name that the template does not use', () => {
    assert.equal(resolved('/data/[app].flv', { stream: '..' }), '/data/live.flv');
  });

  it('refuses a path that leaves the root although each name is harmless', () => {
    assert.throws(() => resolved('/data/.[app].[stream]', { app: '', stream: '' }), /below \/data/);
  });

  it('matches the paths it made and no others', () => {
    const template = new PathTemplate('./rec/[vhost]/[app]/[stream].[timestamp].flv', () => true);
    const matcher = template.matcher();
    assert.match(template.resolve(names), matcher);
    assert.match('rec/example.com/live/sub/cam.12.flv', matcher);
    assert.doesNotMatch('rec/example.com/live/cam.flv', matcher);
    assert.doesNotMatch('rec/example.com/live/cam.12xflv', matcher);
    assert.doesNotMatch('other/rec/example.com/live/cam.12.flv', matcher);
    assert.doesNotMatch('rec/example.com/live/cam.12.flv.tmp', matcher);
  });

  it('matches only the paths of names that are fixed', () => {
    const template = new PathTemplate('/rec/[vhost]/[app]/[stream].flv', () => true);
    const matcher = template.matcher({ vhost: 'a.b' });
    assert.match('/rec/a.b/live/cam.flv', matcher);
    assert.doesNotMatch('/rec/axb/live/cam.flv', matcher);
  });

  it('finds the names in a path again', () => {
    const matcher = new PathTemplate(
      '/rec/[app]/[stream]/[stream].[timestamp].flv',
      () => true,
    ).matcher();
    const groups = matcher.exec('/rec/live/cam/cam.12.flv')?.groups;
    assert.deepEqual({ ...groups }, { app: 'live', stream: 'cam' });
    assert.doesNotMatch('/rec/live/cam/other.12.flv', matcher);
  });
});

describe('unsafeNameReason', () => {
  it('lets ordinary names pass', () => {
    for (const name of ['live', 'a/b', 'cam..1', '...', 'été', 'a%20b', '100%', 'x.flv', '']) {
      assert.equal(unsafeNameReason(name), undefined, name);
    }
  });

  it('says why a name is refused', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['a\0b', /control/],
      ['a\nb', /control/],
      ['a\\b', /backslash/],
      ['/a', /begins with/],
      ['a/../b', /segment "\.\."/],
      ['.', /segment "\."/],
      ['%2e%2e', /segment "\.\.", percent-encoded/],
      ['%252e%252E/x', /percent-encoded/],
      ['a%00', /control/],
      ['%5c', /backslash/],
      [`%${'25'.repeat(40)}41`, /more than 5 times/],
    ];
    for (const [name, reason] of cases) assert.match(unsafeNameReason(name) ?? '', reason, name);
  });
});
