import assert from 'node:assert/strict';

import { Config } from '../../../../src/app/config/config';
import type { ConfigText } from '../../../../src/app/config/config';
import { parseDirectives } from '../../../../src/app/config/parser';
import { Reloader } from '../../../../src/app/config/reloader';
import { ErrorCode, SrsError } from '../../../../src/core/errors';
import { RecordingLogger } from '../../../support/fakes/recording-logger';

const BEFORE = 'listen 1935;\nvhost a.com { }\n';

/** A server whose file is a text, and whose parts do nothing but remember. */
class Edited {
  readonly log = new RecordingLogger();
  readonly applied: string[][] = [];
  text = BEFORE;
  /** How applying goes. */
  outcome: () => Promise<readonly string[]> = () => Promise.resolve([]);
  readonly reloader = new Reloader(Config.parse(BEFORE, 'srs.conf'), this.log, {
    read: (): ConfigText => ({
      file: 'srs.conf',
      directives: parseDirectives(this.text, 'srs.conf'),
    }),
    check: (text) => Config.check(text),
    apply: (_next, changes) => {
      this.applied.push(changes.map(({ text }) => text));
      return this.outcome();
    },
  });
}

describe('Reloader', () => {
  let edited: Edited;

  beforeEach(() => {
    edited = new Edited();
  });

  it('applies what has changed, and tells it', async () => {
    edited.text = BEFORE.replace('1935', '1936');
    const changes = ['root listen: 1935 -> 1936'];
    assert.deepEqual(await edited.reloader.reload(), { ok: true, code: 0, changes });
    assert.deepEqual(edited.applied, [changes]);
    assert.deepEqual(edited.log.lines, ['trace 0 reload config success, changes=1']);
  });

  it('compares with what is in force since the last reload', async () => {
    edited.text = BEFORE.replace('1935', '1936');
    await edited.reloader.reload();
    assert.deepEqual((await edited.reloader.reload()).changes, []);
    assert.deepEqual(edited.log.lines.at(-1), 'trace 0 reload config success, nothing has changed');
    edited.text = BEFORE;
    assert.deepEqual((await edited.reloader.reload()).changes, ['root listen: 1936 -> 1935']);
  });

  it('keeps what is in force when the file cannot be taken apart, and says where it is wrong', async () => {
    edited.text = 'listen 1935;\nvhost a.com {\n';
    const { ok, code, error, changes } = await edited.reloader.reload();
    assert.deepEqual([ok, code, changes], [false, 1027, []]);
    assert.match(error ?? '', /^srs\.conf:\d: .*, ret=1027$/);
    assert.deepEqual(edited.log.lines, [
      `error 0 ${error ?? ''}`,
      'error 0 ignore config reloader parse file failed. ret=1027',
    ]);
    assert.deepEqual(edited.applied, []);
  });

  it('keeps what is in force when a directive is wrong, and says where', async () => {
    edited.text = `${BEFORE}listen_to nobody;`;
    const result = await edited.reloader.reload();
    assert.equal(result.code, 1023);
    assert.match(result.error ?? '', /^srs\.conf:3: .*listen_to.*, ret=1023$/);
    assert.ok(
      edited.log.lines.includes('error 0 ignore config reloader check config failed. ret=1023'),
    );
    edited.text = BEFORE.replace('1935', '1936');
    assert.deepEqual((await edited.reloader.reload()).changes, ['root listen: 1935 -> 1936']);
  });

  it('warns of what needs a restart, and of what the file newly says wrong', async () => {
    const odd = `${BEFORE}query_latest_version on; daemon off;`;
    edited.text = odd.replace('vhost a.com { }', 'vhost a.com { hds { enabled on; } }');
    await edited.reloader.reload();
    const warnings = edited.log.matching('warn');
    assert.match(warnings[0] ?? '', /^warn 0 srs\.conf:2: .*hds/);
    assert.equal(
      warnings[1],
      'warn 0 reload does not apply root daemon: on -> off (needs a restart)',
    );
    await edited.reloader.reload();
    assert.equal(edited.log.matching('warn').length, warnings.length);
  });

  it('tells what could not be applied, the rest being in force', async () => {
    edited.text = BEFORE.replace('1935', '1936');
    edited.outcome = () =>
      Promise.resolve(['reload listen failed: taken', 'reload pid failed: no']);
    assert.deepEqual(await edited.reloader.reload(), {
      ok: false,
      code: 1023,
      error: 'reload listen failed: taken; reload pid failed: no',
      changes: ['root listen: 1935 -> 1936'],
    });
    assert.deepEqual(edited.log.lines, ['error 0 reload config is not complete, failures=2']);
  });

  it('survives an error, expected or not', async () => {
    edited.outcome = () =>
      Promise.reject(new SrsError(ErrorCode.SOCKET_BIND, 'expected a free port'));
    assert.deepEqual(await edited.reloader.reload(), {
      ok: false,
      code: 1002,
      error: 'expected a free port, ret=1002',
      changes: [],
    });
    edited.outcome = () => Promise.reject(new Error('boom'));
    const { code, error } = await edited.reloader.reload();
    assert.deepEqual([code, error], [1021, 'internal error: boom']);
    assert.ok(edited.log.lines.some((line) => /^error 0 +at /.test(line)));
    edited.outcome = () => Promise.resolve([]);
    assert.equal((await edited.reloader.reload()).ok, true);
  });

  it('never runs twice at a time, and once more when asked meanwhile, with the file as it is then', async () => {
    let release = (): void => undefined;
    edited.outcome = () =>
      new Promise((resolve) => {
        release = () => {
          resolve([]);
        };
      });
    const first = edited.reloader.reload();
    edited.text = BEFORE.replace('1935', '1936');
    const more = [edited.reloader.reload(), edited.reloader.reload()];
    assert.equal(edited.applied.length, 1);
    edited.outcome = () => Promise.resolve([]);
    release();
    assert.deepEqual((await first).changes, []);
    for (const { changes } of await Promise.all(more)) {
      assert.deepEqual(changes, ['root listen: 1935 -> 1936']);
    }
    assert.equal(edited.applied.length, 2);
  });

  it('begins no more once it is closed, and is closed when the one under way is through', async () => {
    let release = (): void => undefined;
    edited.outcome = () =>
      new Promise((resolve) => {
        release = () => {
          resolve([]);
        };
      });
    const [first, due] = [edited.reloader.reload(), edited.reloader.reload()];
    let isClosed = false;
    const closed = edited.reloader.close().then(() => (isClosed = true));
    const late = await edited.reloader.reload();
    assert.deepEqual([late.ok, isClosed], [false, false]);
    release();
    assert.equal((await first).ok, true);
    assert.match((await due).error ?? '', /the server stops/);
    await closed;
    assert.equal(edited.applied.length, 1);
  });
});
