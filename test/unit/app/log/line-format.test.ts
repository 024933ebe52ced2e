import assert from 'node:assert/strict';

import { LineFormat, MAX_LINE_BYTES } from '../../../../src/app/log/line-format';
import type { LogLevel } from '../../../../src/core/logger';

// 2014-11-22 12:33:44.005 UTC
const TIME_MS = Date.UTC(2014, 10, 22, 12, 33, 44, 5);

function utcLine(level: LogLevel, message: string, errno = 0): string {
  return new LineFormat(true, 4321).format({ level, contextId: 100, message, errno }, TIME_MS);
}

describe('LineFormat', () => {
  it('writes time, level word, pid, context id and message', () => {
    assert.equal(utcLine('trace', 'hello'), '[2014-11-22 12:33:44.005][trace][4321][100] hello\n');
    assert.equal(utcLine('verbose', 'x'), '[2014-11-22 12:33:44.005][verb][4321][100] x\n');
    assert.equal(utcLine('info', 'x'), '[2014-11-22 12:33:44.005][debug][4321][100] x\n');
  });

  it('gives warnings and errors a field for the errno', () => {
    assert.equal(utcLine('warn', 'x'), '[2014-11-22 12:33:44.005][warn][4321][100][0] x\n');
    assert.equal(utcLine('warn', 'x', 98), '[2014-11-22 12:33:44.005][warn][4321][100][98] x\n');
    assert.equal(utcLine('error', 'x'), '[2014-11-22 12:33:44.005][error][4321][100][0] x\n');
  });

  it('ends an error with the meaning of its errno', () => {
    const head = '[2014-11-22 12:33:44.005][error][4321][100]';
    assert.equal(utcLine('error', 'x', 98), `${head}[98] x(address already in use)\n`);
    assert.equal(utcLine('error', 'x', 99_999), `${head}[99999] x(errno 99999)\n`);
  });

  it('renews the time prefix with every second and not the milliseconds only', () => {
    const format = new LineFormat(true, 1);
    const parts = { level: 'trace', contextId: 0, message: 'x', errno: 0 } as const;
    const times = [TIME_MS, TIME_MS + 994, TIME_MS + 995, TIME_MS - 60_000].map((ms) =>
      format.format(parts, ms).slice(12, 24),
    );
    assert.deepEqual(times, ['12:33:44.005', '12:33:44.999', '12:33:45.000', '12:32:44.005']);
  });

  it('writes local time unless told otherwise', () => {
    const local = new Date(2020, 0, 2, 3, 4, 5, 6).getTime();
    const parts = { level: 'trace', contextId: 0, message: 'x', errno: 0 } as const;
    const line = new LineFormat(false, 1).format(parts, local);
    assert.equal(line, '[2020-01-02 03:04:05.006][trace][1][0] x\n');
  });

  it('lets no control character of a message through', () => {
    const forged =
      'app=a\n[2014-11-22 12:33:44.005][trace][1][1] forged\r\t\0\u001b[31m\u009b\u2028';
    const line = utcLine('trace', forged);
    assert.ok(
      line.endsWith(
        'app=a\\n[2014-11-22 12:33:44.005][trace][1][1] forged\\r\\t\\x00\\x1b[31m\\x9b\\x2028\n',
      ),
    );
    assert.equal(line.indexOf('\n'), line.length - 1);
  });

  it('cuts a long line to 4096 bytes, newline included', () => {
    const line = utcLine('trace', 'a'.repeat(10_000));
    assert.equal(Buffer.byteLength(line), MAX_LINE_BYTES);
    assert.ok(line.endsWith('a\n'));
  });

  it('cuts between characters, never inside one', () => {
    for (let pad = 0; pad < 4; pad++) {
      const line = utcLine('trace', 'a'.repeat(pad) + '直播'.repeat(2000));
      assert.ok(Buffer.byteLength(line) <= MAX_LINE_BYTES);
      assert.ok(Buffer.byteLength(line) > MAX_LINE_BYTES - 4);
      assert.ok(!line.includes('\ufffd'));
    }
  });

  it('leaves a line that just fits as it is', () => {
    const head = utcLine('trace', '').length;
    const message = 'b'.repeat(MAX_LINE_BYTES - head);
    const line = utcLine('trace', message);
    assert.equal(Buffer.byteLength(line), MAX_LINE_BYTES);
    assert.ok(line.endsWith(`${message}\n`));
  });
});
