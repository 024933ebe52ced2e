import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { useFakeTimers } from 'sinon';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { Certificate } from '../../../src/net/certificate';
import { RecordingLogger } from '../../support/fakes/recording-logger';
import { pairFiles } from '../../support/tls';

const DAY_MS = 86_400_000;

describe('a certificate', () => {
  let folder: string;
  let log: RecordingLogger;
  let files: { cert: string; key: string };
  const loaded: Certificate[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'srs-certificate-'));
    files = { cert: join(folder, 'server.crt'), key: join(folder, 'server.key') };
    log = new RecordingLogger();
    put('cert', 'first');
    put('key', 'first');
  });
  afterEach(() => {
    for (const certificate of loaded.splice(0)) certificate.close();
    rmSync(folder, { recursive: true });
  });

  let age = 0;
  /** Makes one file that of a pair; each time it is newer, however fast the test is. */
  function put(part: 'cert' | 'key', name: 'first' | 'second'): void {
    copyFileSync(pairFiles(name)[part], files[part]);
    utimesSync(files[part], 1_700_000_000, 1_700_000_000 + ++age);
  }

  function load(nowMs?: () => number): Certificate {
    const certificate = Certificate.load(files, log, nowMs);
    loaded.push(certificate);
    return certificate;
  }

  function refused(code: number, ...words: string[]): (error: unknown) => boolean {
    return (error) => {
      assert.ok(error instanceof SrsError);
      assert.equal(error.code, code);
      for (const word of words) assert.ok(error.message.includes(word), error.message);
      return true;
    };
  }

  it('says whom it is for and how long', () => {
    const certificate = load();
    assert.deepEqual(certificate.names, ['first.test', 'localhost', '127.0.0.1']);
    assert.equal(log.lines.length, 1);
    assert.match(log.lines[0]!, /^trace 0 certificate .*server\.crt loaded: names=first\.test,/);
    assert.match(log.lines[0]!, /expires=21\d\d-/);
  });

  it('names the file that cannot be used, and why', () => {
    put('key', 'second');
    assert.throws(load, refused(ErrorCode.SYSTEM_CONFIG_INVALID, files.key, 'belongs to another'));
    writeFileSync(files.key, 'no key');
    assert.throws(load, refused(ErrorCode.SYSTEM_CONFIG_INVALID, files.key, 'private key in PEM'));
    writeFileSync(files.cert, 'no certificate');
    assert.throws(load, refused(ErrorCode.SYSTEM_CONFIG_INVALID, files.cert, 'chain in PEM'));
    rmSync(files.cert);
    assert.throws(load, refused(ErrorCode.SYSTEM_FILE_READ, files.cert, 'ENOENT'));
    assert.deepEqual(log.lines, []);
  });

  it('is replaced when its files are, for those who come then', async () => {
    const certificate = load();
    const before = certificate.context;
    await certificate.check();
    assert.equal(certificate.context, before);
    put('cert', 'second');
    put('key', 'second');
    await Promise.all([certificate.check(), certificate.check()]);
    assert.notEqual(certificate.context, before);
    assert.equal(certificate.names[0], 'second.test');
    assert.equal(log.matching('reloaded: names=second.test').length, 1);
  });

  it('stays when the new pair is bad, which is said once for each', async () => {
    const certificate = load();
    const { context } = certificate;
    put('cert', 'second');
    await certificate.check();
    await certificate.check();
    assert.equal(log.matching('certificate stays as it was').length, 1);
    assert.equal(log.matching('belongs to another, ret=1023').length, 1);
    rmSync(files.key);
    await certificate.check();
    await certificate.check();
    assert.equal(log.matching('ENOENT').length, 1);
    assert.equal(certificate.context, context);
    put('key', 'second');
    await certificate.check();
    assert.equal(certificate.names[0], 'second.test');
    const secret = readFileSync(files.key, 'utf8').split('\n')[1]!;
    assert.deepEqual(log.matching(secret), []);
  });

  it('is looked at every five seconds until it is closed', async () => {
    const clock = useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const certificate = load();
      put('cert', 'second');
      put('key', 'second');
      clock.tick(4999);
      assert.equal(log.lines.length, 1);
      clock.tick(1);
      await log.until(() => log.matching('reloaded').length === 1);
      certificate.close();
      put('key', 'first');
      assert.equal(clock.countTimers(), 0);
    } finally {
      clock.restore();
    }
  });

  it('is warned of before it expires, and when it has', async () => {
    const end = /expires=(\S+)/;
    load();
    const untilMs = Date.parse(end.exec(log.lines[0]!)![1]!);
    let nowMs = untilMs - 15 * DAY_MS;
    const certificate = load(() => nowMs);
    const warnings = (): string[] => log.lines.filter((line) => line.startsWith('warn'));
    await certificate.check();
    assert.deepEqual(warnings(), []);
    nowMs += 2 * DAY_MS;
    await certificate.check();
    nowMs += DAY_MS;
    await certificate.check();
    assert.equal(warnings().length, 1);
    assert.match(warnings()[0]!, /server\.crt expires in 13 days, on 21/);
    nowMs = untilMs;
    await certificate.check();
    await certificate.check();
    assert.equal(warnings().length, 2);
    assert.match(warnings()[1]!, /has expired on 21.*clients will refuse it/);
    load(() => nowMs);
    assert.equal(warnings().length, 3);
    load(() => 0);
    assert.match(warnings()[3]!, /is not valid before 20/);
  });
});
