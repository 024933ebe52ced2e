import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as sinon from 'sinon';

import { findHolder, PidFile } from '../../../../src/app/process/pid-file';

const EAGAIN = 11;
const ENOLCK = 37;

const granted = (): number => 0;

describe('PidFile', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = fs.mkdtempSync(join(tmpdir(), 'srs-pid-'));
    path = join(directory, 'srs.pid');
  });

  afterEach(() => {
    sinon.restore();
    fs.rmSync(directory, { recursive: true });
  });

  it('holds the pid and nothing else', () => {
    const file = PidFile.acquire(path, granted);
    assert.equal(fs.readFileSync(path, 'utf8'), String(process.pid));
    assert.equal(fs.statSync(path).mode & 0o133, 0);
    file.release();
  });

  it('is removed on release, which may be repeated', () => {
    const file = PidFile.acquire(path, granted);
    file.release();
    assert.equal(fs.existsSync(path), false);
    file.release();
  });

  it('takes over what a crash left behind, however long', () => {
    fs.writeFileSync(path, '99999999999999');
    const file = PidFile.acquire(path, granted);
    assert.equal(fs.readFileSync(path, 'utf8'), String(process.pid));
    file.release();
  });

  it('names the pid of a server that runs already, and leaves its file alone', () => {
    fs.writeFileSync(path, '4321');
    assert.throws(() => PidFile.acquire(path, () => EAGAIN), {
      code: 1035,
      message: `srs is already running! pid=4321, pid file ${path}`,
    });
    assert.equal(fs.readFileSync(path, 'utf8'), '4321');
  });

  it('says so when the running server has not written its pid yet', () => {
    assert.throws(() => PidFile.acquire(path, () => EAGAIN), { message: /pid=unknown/ });
  });

  it('tells a lock that cannot be had from one that is held', () => {
    assert.throws(() => PidFile.acquire(path, () => ENOLCK), {
      code: 1036,
      message: `cannot lock pid file ${path}`,
      cause: { errno: ENOLCK },
    });
  });

  it('says why the file cannot be opened', () => {
    const missing = join(directory, 'none', 'srs.pid');
    assert.throws(() => PidFile.acquire(missing, granted), {
      code: 1034,
      message: /^cannot open pid file .*none\/srs\.pid: ENOENT/,
    });
  });

  it('has codes of their own for a failing truncate and write', () => {
    const truncate = sinon.stub(fs, 'ftruncateSync').throws(new Error('truncate'));
    assert.throws(() => PidFile.acquire(path, granted), { code: 1037 });
    truncate.restore();
    sinon.stub(fs, 'writeSync').throws(new Error('write'));
    assert.throws(() => PidFile.acquire(path, granted), { code: 1038 });
  });

  it('opens again when the last holder removed the file before the lock was had', () => {
    let locks = 0;
    const file = PidFile.acquire(path, () => {
      if (locks++ === 0) fs.unlinkSync(path);
      return 0;
    });
    assert.equal(locks, 2);
    assert.equal(fs.readFileSync(path, 'utf8'), String(process.pid));
    file.release();
    assert.equal(fs.existsSync(path), false);
  });

  it('does not remove a file that somebody else put in its place', () => {
    const file = PidFile.acquire(path, granted);
    fs.unlinkSync(path);
    fs.writeFileSync(path, '4321');
    file.release();
    assert.equal(fs.readFileSync(path, 'utf8'), '4321');
  });

  it('gives up its lock even when the file cannot be removed', () => {
    const close = sinon.spy(fs, 'closeSync');
    const file = PidFile.acquire(path, granted);
    const unlink = sinon.stub(fs, 'unlinkSync').throws(new Error('read-only'));
    file.release();
    unlink.restore();
    assert.equal(close.callCount, 1);
  });

  it('knows its own file however that is spelled', () => {
    const file = PidFile.acquire(path, granted);
    assert.equal(file.isAt(path), true);
    assert.equal(file.isAt(join(directory, '.', 'x', '..', 'srs.pid')), true);
    assert.equal(file.isAt(join(directory, 'other.pid')), false);
    file.release();
    fs.writeFileSync(path, '');
    assert.equal(file.isAt(path), false);
  });

  it('goes over to another file, and leaves nothing behind', () => {
    const other = join(directory, 'other.pid');
    const file = PidFile.acquire(path, granted);
    assert.equal(file.moveTo(path, granted), file);
    const moved = file.moveTo(other, granted);
    assert.equal(moved.path, other);
    assert.deepEqual(fs.readdirSync(directory), ['other.pid']);
    assert.equal(fs.readFileSync(other, 'utf8'), String(process.pid));
    moved.release();
  });

  it('stays where it is when the other file is held', () => {
    const other = join(directory, 'other.pid');
    fs.writeFileSync(other, '4321');
    const file = PidFile.acquire(path, granted);
    assert.throws(() => file.moveTo(other, () => EAGAIN), { code: 1035, message: /pid=4321/ });
    assert.equal(file.isAt(path), true);
    assert.equal(fs.readFileSync(path, 'utf8'), String(process.pid));
    file.release();
  });
});

describe('findHolder', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = fs.mkdtempSync(join(tmpdir(), 'srs-pid-'));
    path = join(directory, 'srs.pid');
  });

  afterEach(() => {
    fs.rmSync(directory, { recursive: true });
  });

  it('finds nobody where there is no file, and makes none', () => {
    assert.equal(findHolder(path, granted), undefined);
    assert.equal(fs.existsSync(path), false);
  });

  it('finds nobody when the lock is free, whatever the file says, and leaves it as it is', () => {
    fs.writeFileSync(path, '4321');
    assert.equal(findHolder(path, granted), undefined);
    assert.equal(fs.readFileSync(path, 'utf8'), '4321');
  });

  it('finds the process that holds the lock', () => {
    fs.writeFileSync(path, '4321\n');
    assert.equal(
      findHolder(path, () => EAGAIN),
      4321,
    );
  });

  it('takes no word that is no process id', () => {
    for (const text of ['', '0', '-1', 'all', '1.5']) {
      fs.writeFileSync(path, text);
      assert.throws(() => findHolder(path, () => EAGAIN), { code: 1034, message: /process id/ });
    }
  });

  it('says so when it cannot tell', () => {
    fs.writeFileSync(path, '4321');
    assert.throws(() => findHolder(path, () => ENOLCK), { code: 1036 });
    fs.rmSync(path);
    fs.mkdirSync(path);
    assert.throws(() => findHolder(path, granted), { code: 1034, message: /cannot open pid file/ });
  });
});
