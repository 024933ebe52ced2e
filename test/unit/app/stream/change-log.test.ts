import assert from 'node:assert/strict';

import { ChangeLog } from '../../../../src/app/stream/change-log';
import { RecordingLogger } from '../../../support/fakes/recording-logger';

describe('ChangeLog', () => {
  it('tells of each change once, by subject', () => {
    const log = new RecordingLogger();
    const changes = new ChangeLog();
    for (const text of ['a', 'a', 'b', 'a']) changes.tell(log, 'metadata', text);
    changes.tell(log, 'header 1', 'a');
    assert.deepEqual(log.lines, ['trace 0 a', 'trace 0 b', 'trace 0 a', 'trace 0 a']);
  });

  it('stops after twenty lines, says so, and begins anew with the next publish', () => {
    const log = new RecordingLogger();
    const changes = new ChangeLog();
    for (let i = 0; i < 1000; i++) changes.tell(log, 'metadata', `change ${i}`);
    assert.equal(log.lines.length, 21);
    assert.equal(log.matching('warn').length, 1);
    changes.clear();
    changes.tell(log, 'metadata', 'change 999');
    assert.equal(log.lines.length, 22);
  });
});
