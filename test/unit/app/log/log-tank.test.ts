import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as sinon from 'sinon';

import { consoleTarget, isTerminal, LogTank } from '../../../../src/app/log/log-tank';

const lostLine = (count: number): string => `lost ${count}\n`;

describe('LogTank', () => {
  let directory: string;
  let file: string;

  const read = (): string => fs.readFileSync(file, 'utf8');

  beforeEach(() => {
    directory = fs.mkdtempSync(join(tmpdir(), 'srs-log-'));
    file = join(directory, 'srs.log');
  });

  afterEach(() => {
    sinon.restore();
    fs.rmSync(directory, { recursive: true });
  });

  it('appends to the file', async () => {
    fs.writeFileSync(file, 'before\n');
    const tank = new LogTank({ file }, lostLine);
    tank.write('one\n');
    tank.write('two\n');
    await tank.close();
    assert.equal(read(), 'before\none\ntwo\n');
  });

  it('creates the file for owner and group to write', async () => {
    const mask = process.umask(0);
    try {
      const tank = new LogTank({ file }, lostLine);
      tank.write('x\n');
      await tank.close();
    } finally {
      process.umask(mask);
    }
    assert.equal(fs.statSync(file).mode & 0o777, 0o664);
  });

  it('makes one write of all lines of a turn', async () => {
    const write = sinon.spy(fs, 'write');
    const tank = new LogTank({ file }, lostLine);
    for (let i = 0; i < 100; i++) tank.write(`line ${i}\n`);
    assert.equal(write.callCount, 0);
    await new Promise(setImmediate);
    assert.equal(write.callCount, 1);
    await tank.close();
    assert.equal(read().split('\n').length, 101);
  });

  it('keeps the order when lines come while a write is under way', async () => {
    const tank = new LogTank({ file }, lostLine);
    tank.write('1\n');
    await new Promise(setImmediate);
    tank.write('2\n');
    await new Promise(setImmediate);
    tank.write('3\n');
    await tank.close();
    assert.equal(read(), '1\n2\n3\n');
  });

  it('goes on where a short write stopped', async () => {
    const write = sinon.stub(fs, 'write');
    const real = write.wrappedMethod as (...args: unknown[]) => void;
    let calls = 0;
    write.callsFake(((fd: number, bytes: Buffer, done: unknown) => {
      real(fd, calls++ === 0 ? bytes.subarray(0, 3) : bytes, done);
    }) as never);
    const tank = new LogTank({ file }, lostLine);
    tank.write('abcdef\n');
    await new Promise(setImmediate);
    await tank.close();
    assert.equal(read(), 'abcdef\n');
  });

  it('flushes at once when the process cannot wait', () => {
    const tank = new LogTank({ file }, lostLine);
    tank.write('last words\n');
    tank.flushSync();
    assert.equal(read(), 'last words\n');
  });

  it('waits in a synchronous flush for the write under way, so that the order holds', async () => {
    const tank = new LogTank({ file }, lostLine);
    tank.write('first\n');
    await new Promise(setImmediate);
    tank.write('last words\n');
    tank.flushSync();
    assert.equal(read(), 'first\nlast words\n');
    await tank.close();
    assert.equal(read(), 'first\nlast words\n');
  });

  it('opens a new file under the old name after a rotation', async () => {
    const tank = new LogTank({ file }, lostLine);
    tank.write('old\n');
    tank.flushSync();
    fs.renameSync(file, `${file}.1`);
    tank.write('still old\n');
    tank.flushSync();
    tank.reopen();
    await new Promise(setImmediate);
    assert.equal(read(), '');
    tank.write('new\n');
    await tank.close();
    assert.equal(read(), 'new\n');
    assert.equal(fs.readFileSync(`${file}.1`, 'utf8'), 'old\nstill old\n');
  });

  it('keeps writing to the old file when the new one cannot be opened', async () => {
    sinon.stub(fs, 'writeSync').callThrough().withArgs(2).returns(0);
    const tank = new LogTank({ file }, lostLine);
    tank.write('old\n');
    tank.flushSync();
    const moved = `${directory}.moved`;
    fs.renameSync(directory, moved);
    tank.reopen();
    tank.write('more\n');
    await new Promise(setImmediate);
    fs.renameSync(moved, directory);
    await tank.close();
    assert.equal(read(), 'old\nmore\n');
  });

  it('says once on stderr that the file cannot be opened, and loses no line', async () => {
    const stderr = sinon.stub(fs, 'writeSync').callThrough().withArgs(2).returns(0);
    const tank = new LogTank({ file: join(directory, 'logs', 'srs.log') }, lostLine);
    tank.write('one\n');
    tank.flushSync();
    await new Promise(setImmediate);
    tank.write('two\n');
    tank.flushSync();
    assert.equal(stderr.callCount, 1);
    assert.match(stderr.firstCall.args[1], /^cannot open log .*srs\.log: ENOENT/);
    file = join(directory, 'logs', 'srs.log');
    fs.mkdirSync(join(directory, 'logs'));
    tank.write('three\n');
    await tank.close();
    assert.equal(read(), 'one\ntwo\nthree\n');
  });

  it('tries again by itself after a failed open', async () => {
    const time = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    sinon.stub(fs, 'writeSync').callThrough().withArgs(2).returns(0);
    const tank = new LogTank({ file: join(directory, 'logs', 'srs.log') }, lostLine);
    tank.write('one\n');
    await new Promise(setImmediate);
    fs.mkdirSync(join(directory, 'logs'));
    const written = new Promise((resolve) => {
      const write = sinon.stub(fs, 'write');
      write.callsFake(((_fd: number, bytes: Buffer, done: (e: null, n: number) => void) => {
        resolve(bytes.toString());
        done(null, bytes.length);
      }) as never);
    });
    time.tick(100);
    assert.equal(await written, 'one\n');
    await tank.close();
  });

  it('keeps what a full disk refuses, and writes it when there is room', async () => {
    const stderr = sinon.stub(fs, 'writeSync').callThrough().withArgs(2).returns(0);
    const time = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const write = sinon.stub(fs, 'write');
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { errno: -28 });
    write.callsFake(((_fd: number, _bytes: Buffer, done: (e: Error, n: number) => void) => {
      done(full, 0);
    }) as never);
    const tank = new LogTank({ file }, lostLine);
    tank.write('one\n');
    await new Promise(setImmediate);
    tank.write('two\n');
    time.tick(100);
    assert.equal(write.callCount, 2);
    assert.equal(stderr.callCount, 1);
    write.restore();
    await tank.close();
    assert.equal(read(), 'one\ntwo\n');
  });

  it('bounds what it keeps while the disk is stalled, and counts what it lost', async () => {
    let finish: (() => void) | undefined;
    const write = sinon.stub(fs, 'write');
    write.callsFake(((fd: number, bytes: Buffer, done: (e: null, n: number) => void) => {
      finish = () => {
        done(null, fs.writeSync(fd, bytes));
      };
    }) as never);
    const tank = new LogTank({ file }, lostLine);
    tank.write('stalled\n');
    await new Promise(setImmediate);
    const line = `${'x'.repeat(1023)}\n`;
    for (let i = 0; i < 1030; i++) tank.write(line);
    write.restore();
    finish?.();
    await tank.close();
    const lines = read().split('\n');
    assert.equal(lines[0], 'stalled');
    assert.equal(lines.filter((text) => text.startsWith('xxx')).length, 1024);
    assert.equal(lines.at(-2), 'lost 6');
  });

  it('writes to a descriptor that it was given, and leaves it open', async () => {
    const fd = fs.openSync(file, 'a');
    const tank = new LogTank({ fd }, lostLine);
    tank.reopen();
    tank.write('console\n');
    await tank.close();
    tank.write('again\n');
    await tank.close();
    fs.closeSync(fd);
    assert.equal(read(), 'console\nagain\n');
  });

  it('survives a console that nobody reads any more', async () => {
    const stderr = sinon.stub(fs, 'writeSync').callThrough();
    stderr.withArgs(2).returns(0);
    fs.writeFileSync(file, '');
    const fd = fs.openSync(file, 'r');
    const tank = new LogTank({ fd }, lostLine);
    tank.write('unheard\n');
    await new Promise(setImmediate);
    await tank.close();
    fs.closeSync(fd);
    assert.equal(stderr.withArgs(2).callCount, 1);
  });
});

function fakeStats(isDevice: boolean): fs.Stats {
  return sinon.createStubInstance(fs.Stats, { isCharacterDevice: isDevice });
}

describe('isTerminal', () => {
  it('is false for files and other descriptors', () => {
    assert.equal(isTerminal({ file: '/dev/null' }), false);
    assert.equal(isTerminal({ fd: 2 }), false);
  });

  it('asks the stream of a character device only', () => {
    const stat = sinon.stub(fs, 'fstatSync');
    try {
      stat.returns(fakeStats(false));
      assert.equal(isTerminal(consoleTarget), false);
      stat.returns(fakeStats(true));
      assert.equal(isTerminal(consoleTarget), process.stdout.isTTY);
    } finally {
      stat.restore();
    }
  });
});
