import assert from 'node:assert/strict';

import { finishedPath, RecordingPaths } from '../../../../src/app/dvr/recording-paths';

import { startOfDayMs, streamName } from './harness';

function paths(path: string, format: 'flv' | 'mp4' = 'flv', vhost?: string): RecordingPaths {
  return new RecordingPaths({ path, format }, () => true, vhost);
}

describe('RecordingPaths', () => {
  it('takes what is no file name for a directory', () => {
    const made = paths('./rec/[vhost]').resolve(streamName, 77);
    assert.equal(made, './rec/example.com/cam.77.flv');
    assert.equal(paths('./rec/[vhost]').root, './rec');
  });

  it('gives the extension of the format', () => {
    assert.equal(paths('/r/[stream].flv', 'mp4').resolve(streamName, 1), '/r/cam.mp4');
    assert.equal(paths('/r/[stream].mp4', 'flv').resolve(streamName, 1), '/r/cam.flv');
    assert.equal(paths('/r', 'mp4').resolve(streamName, 1), '/r/cam.1.mp4');
  });

  it('replaces date parts', () => {
    const made = paths('/r/[2006]/[01]/[02]/[15]-[04]-[05].flv').resolve(streamName, startOfDayMs);
    assert.equal(made, '/r/2026/01/02/03-04-05.flv');
  });

  it('knows its own files, numbered ones and unfinished ones', () => {
    const own = paths('/r/[app]/[stream].[timestamp].flv');
    assert.deepEqual(own.match('/r/live/cam.12.flv'), { app: 'live', stream: 'cam' });
    assert.deepEqual(own.match('/r/live/cam.12-3.flv'), { app: 'live', stream: 'cam' });
    assert.equal(own.match('/r/live/cam.12.flv.tmp'), undefined);
    assert.equal(own.match('/r/live/cam.flv'), undefined);
    assert.deepEqual(own.matchTemporary('/r/live/cam.12.flv.tmp'), { app: 'live', stream: 'cam' });
    assert.equal(own.matchTemporary('/r/live/cam.12.flv'), undefined);
    assert.equal(finishedPath('/r/x.flv.tmp'), '/r/x.flv');
  });

  it('knows only the files of its vhost', () => {
    const own = paths('/r/[vhost]/[stream].flv', 'flv', 'a.com');
    assert.deepEqual(own.match('/r/a.com/cam.flv'), { stream: 'cam' });
    assert.equal(own.match('/r/b.com/cam.flv'), undefined);
  });
});
