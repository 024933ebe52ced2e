import assert from 'node:assert/strict';

import { ensureFileLimit } from '../../../../src/app/process/file-limit';

const NEEDS = { maxConnections: 1000, listenPorts: 1, logsToFile: true };

describe('ensureFileLimit', () => {
  it('asks for connections, ports, log, standard streams and the runtime', () => {
    const wanted: number[] = [];
    ensureFileLimit(NEEDS, (count) => {
      wanted.push(count);
      return { soft: count, hard: count };
    });
    assert.deepEqual(wanted, [1000 + 1 + 2 + 1 + 3 + 1 + 32]);
  });

  it('is content with a limit that just holds the connections', () => {
    assert.doesNotThrow(() => {
      ensureFileLimit(NEEDS, () => ({ soft: 1008, hard: 1008 }));
    });
  });

  it('says what to change when the hard limit is too low', () => {
    assert.throws(
      () => {
        ensureFileLimit(NEEDS, () => ({ soft: 1007, hard: 1007 }));
      },
      {
        code: 1023,
        message:
          'invalid max_connections=1000, required=1008, system limit to 1007, ' +
          'total=1007(max_connections=1000, nb_consumed_fds=7). ' +
          'you can change max_connections from 1000 to 999, ' +
          'or you can login as root and set the limit: ulimit -HSn 1008',
      },
    );
  });

  it('counts no log file when the log goes to the console', () => {
    assert.doesNotThrow(() => {
      ensureFileLimit({ ...NEEDS, logsToFile: false }, () => ({ soft: 1007, hard: 1007 }));
    });
  });
});
