import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ServerLog } from '../../../../src/app/log/server-log';
import type { LogOptions } from '../../../../src/app/log/server-log';
import { ErrorCode, SrsError } from '../../../../src/core/errors';

describe('ServerLog', () => {
  let directory: string;
  let file: string;

  beforeEach(() => {
    directory = fs.mkdtempSync(join(tmpdir(), 'srs-log-'));
    file = join(directory, 'srs.log');
  });

  afterEach(() => {
    fs.rmSync(directory, { recursive: true });
  });

  /** Level word, context id and text of each line written by `use`. */
  async function linesOf(
    level: LogOptions['level'],
    use: (log: ServerLog) => void,
  ): Promise<string[]> {
    const log = new ServerLog({ tank: 'file', file, level, utcTime: true });
    use(log);
    await log.close();
    if (!fs.existsSync(file)) return [];
    const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n');
    return lines.map((line) => line.replace(/^\[[^\]]*\]/, '').replace(`[${process.pid}]`, ''));
  }

  function oneOfEach(log: ServerLog): void {
    log.verbose('a');
    log.info('b');
    log.trace('c');
    log.warn('d');
    log.error('e');
  }

  it('writes the level it is set to and what is above', async () => {
    const all = [
      '[verb][0] a',
      '[debug][0] b',
      '[trace][0] c',
      '[warn][0][0] d',
      '[error][0][0] e',
    ];
    const levels = ['verbose', 'info', 'trace', 'warn', 'error'] as const;
    for (const [skipped, level] of levels.entries()) {
      assert.deepEqual(await linesOf(level, oneOfEach), all.slice(skipped));
      fs.rmSync(file);
    }
  });

  it('writes nothing, and no file, at level none', async () => {
    assert.deepEqual(await linesOf('none', oneOfEach), []);
    assert.equal(fs.existsSync(file), false);
  });

  it('gives children an id of their own in the same file', async () => {
    const lines = await linesOf('trace', (log) => {
      const child = log.child(100);
      child.trace('from 100');
      child.child(101).trace('from 101');
      log.trace('from 0');
      assert.equal(child.contextId, 100);
      assert.equal(log.contextId, 0);
    });
    assert.deepEqual(lines, [
      '[trace][100] from 100',
      '[trace][101] from 101',
      '[trace][0] from 0',
    ]);
  });

  it('prints the errno of the error that it is given', async () => {
    const cause = Object.assign(new Error('listen'), { errno: -98 });
    const lines = await linesOf('trace', (log) => {
      log.warn('w', cause);
      log.error('e', new SrsError(ErrorCode.SOCKET_BIND, 'bind', { cause }));
      log.error('n', 13);
    });
    assert.deepEqual(lines, [
      '[warn][0][98] w',
      '[error][0][98] e(address already in use)',
      '[error][0][13] n(permission denied)',
    ]);
  });

  it('starts every line with the time of day', () => {
    const log = new ServerLog({ tank: 'file', file, level: 'trace', utcTime: true });
    const before = new Date().toISOString();
    log.trace('now');
    log.flushSync();
    const after = new Date().toISOString();
    const stamp = fs.readFileSync(file, 'utf8').slice(1, 24).replace(' ', 'T');
    assert.ok(before.slice(0, 23) <= stamp && stamp <= after.slice(0, 23));
  });

  it('follows a rotation', async () => {
    const log = new ServerLog({ tank: 'file', file, level: 'trace', utcTime: true });
    log.trace('old');
    log.flushSync();
    fs.renameSync(file, `${file}.1`);
    log.reopen();
    log.trace('new');
    await log.close();
    assert.match(fs.readFileSync(file, 'utf8'), / new\n$/);
    assert.match(fs.readFileSync(`${file}.1`, 'utf8'), / old\n$/);
  });

  describe('when it is reconfigured', () => {
    const options = (changes: Partial<LogOptions> = {}): LogOptions => ({
      tank: 'file',
      file,
      level: 'trace',
      utcTime: true,
      ...changes,
    });
    const textsIn = (path: string): string[] =>
      fs
        .readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/^.*\] /, ''));

    it('goes on by another level, with all its children', async () => {
      const log = new ServerLog(options());
      const child = log.child(100);
      log.reconfigure(options({ level: 'warn' }));
      child.trace('not written');
      child.warn('written');
      log.reconfigure(options({ level: 'verbose' }));
      child.verbose('all is written');
      await log.close();
      assert.deepEqual(textsIn(file), ['written', 'all is written']);
    });

    it('goes on in another file, and writes what came before where it was to go', async () => {
      const other = `${file}.other`;
      const log = new ServerLog(options());
      const child = log.child(100);
      child.trace('before');
      log.reconfigure(options({ file: other }));
      child.trace('after');
      await log.close();
      assert.deepEqual(textsIn(file), ['before']);
      assert.deepEqual(textsIn(other), ['after']);
    });

    it('loses nothing of either file at an exit that cannot wait', () => {
      const other = `${file}.other`;
      const log = new ServerLog(options());
      log.trace('before');
      log.reconfigure(options({ file: other }));
      log.trace('after');
      log.flushSync();
      assert.deepEqual([textsIn(file), textsIn(other)], [['before'], ['after']]);
    });

    it('opens the same file again, as after a rotation', async () => {
      const log = new ServerLog(options());
      log.trace('old');
      log.flushSync();
      fs.renameSync(file, `${file}.1`);
      log.reconfigure(options());
      log.trace('new');
      await log.close();
      assert.deepEqual([textsIn(`${file}.1`), textsIn(file)], [['old'], ['new']]);
    });

    it('changes between local time and UTC', async () => {
      const former = process.env.TZ;
      process.env.TZ = 'Asia/Shanghai';
      try {
        const log = new ServerLog(options());
        log.trace('utc');
        log.reconfigure(options({ utcTime: false }));
        log.trace('local');
        await log.close();
      } finally {
        if (former === undefined) delete process.env.TZ;
        else process.env.TZ = former;
      }
      const [utc = 0, local = 0] = fs
        .readFileSync(file, 'utf8')
        .split('\n')
        .map((line) => Date.parse(`${line.slice(1, 24).replace(' ', 'T')}Z`));
      assert.equal(Math.round((local - utc) / 3_600_000), 8);
    });

    it('stays as it is when the other file cannot be opened', async () => {
      const log = new ServerLog(options());
      const none = join(directory, 'none', 'srs.log');
      assert.throws(
        () => {
          log.reconfigure(options({ file: none, level: 'none' }));
        },
        { code: 1042, message: /^cannot open log file .*none\/srs\.log: ENOENT/ },
      );
      log.trace('still here');
      await log.close();
      assert.deepEqual(textsIn(file), ['still here']);
    });
  });
});
