import assert from 'node:assert/strict';

import { PithyPrint } from '../../../../src/app/stats/pithy-print';
import { StatusLines } from '../../../../src/app/stats/status-lines';
import type { StatusMember } from '../../../../src/app/stats/status-lines';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../support/fakes/recording-logger';

const INTERVAL_MS = 2;

describe('the status lines of one protocol', () => {
  const log = new RecordingLogger();
  const member = (name: string): StatusMember => ({ log, statusLine: () => name });
  const intervals = { forwarder: 1, encoder: 1, ingester: 1, hls: 1, edge: 1 };

  it('come one per interval, from each client in its turn, until the last has left', async () => {
    const clock = new ManualClock();
    const pithyPrint = new PithyPrint(
      { ...intervals, publish: INTERVAL_MS, play: INTERVAL_MS },
      clock,
    );
    const lines = new StatusLines('play', pithyPrint, clock);
    const [first, second] = [member('first'), member('second')];
    lines.add(first);
    lines.add(second);
    await log.until(() => log.matching('trace').length >= 4);
    const words = log.matching('trace').map((line) => line.split(' ').at(-1));
    assert.deepEqual(words.slice(0, 4), ['first', 'second', 'first', 'second']);
    lines.remove(first);
    const before = log.matching('first').length;
    await log.until(() => log.matching('second').length >= 4);
    assert.equal(log.matching('first').length, before);
    lines.remove(second);
    lines.remove(second);
    pithyPrint.close();
  });
});
