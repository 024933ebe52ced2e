import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';

import { installSignals } from '../../../../src/app/process/signals';

describe('installSignals', () => {
  let source: EventEmitter;
  let seen: string[];
  let undo: () => void;

  const send = (signal: NodeJS.Signals): void => {
    source.emit(signal, signal);
  };

  beforeEach(() => {
    source = new EventEmitter();
    seen = [];
    undo = installSignals(
      {
        stop: (signal) => seen.push(`stop ${signal}`),
        abort: (signal, status) => seen.push(`abort ${signal} ${status}`),
        reload: () => seen.push('reload'),
        reopenLog: () => seen.push('reopen'),
      },
      source,
    );
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2'] as const) {
    it(`stops on ${signal}`, () => {
      send(signal);
      assert.deepEqual(seen, [`stop ${signal}`]);
    });
  }

  it('ends at once when told to stop a second time, by whatever signal', () => {
    send('SIGTERM');
    send('SIGINT');
    assert.deepEqual(seen, ['stop SIGTERM', 'abort SIGINT 130']);
  });

  it('reloads on SIGHUP and reopens the log on SIGUSR1, each time', () => {
    send('SIGHUP');
    send('SIGUSR1');
    send('SIGHUP');
    assert.deepEqual(seen, ['reload', 'reopen', 'reload']);
  });

  it('leaves nothing behind when undone', () => {
    undo();
    assert.deepEqual(source.eventNames(), []);
  });
});
