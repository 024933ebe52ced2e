import assert from 'node:assert/strict';

import { oneLine, readAnswer } from '../../../../src/app/hooks/answer';
import { ErrorCode } from '../../../../src/core/errors';

describe('an answer of a hook server', () => {
  const accepted = ['0', ' 0\r\n', '\uFEFF0', '{"code":0}', '\uFEFF {"code": 0, "msg": "no"} '];
  for (const text of accepted) {
    it(`accepts by ${JSON.stringify(text)}`, () => {
      assert.deepEqual(readAnswer({ status: 200, text }), { kind: 'accepted' });
    });
  }

  const refused: [string, ErrorCode, string][] = [
    ['1', ErrorCode.RESPONSE_DATA, ''],
    ['-1', ErrorCode.RESPONSE_DATA, ''],
    ['{"code":403}', ErrorCode.RESPONSE_DATA, ''],
    ['{"code":1,"reason":"key is used up"}', ErrorCode.RESPONSE_DATA, 'key is used up'],
    ['{"code":1,"msg":"no"}', ErrorCode.RESPONSE_DATA, 'no'],
    ['{"code":1,"message":"no"}', ErrorCode.RESPONSE_DATA, 'no'],
    ['{"code":1,"data":{"reason":"no"}}', ErrorCode.RESPONSE_DATA, 'no'],
    ['{"code":1,"reason":7,"msg":"no"}', ErrorCode.RESPONSE_DATA, 'no'],
    ['{"reason":"no"}', ErrorCode.RESPONSE_DATA, 'no'],
    ['"no such key"', ErrorCode.RESPONSE_DATA, 'no such key'],
    ['no such key', ErrorCode.HTTP_DATA_INVLIAD, 'no such key'],
  ];
  for (const [text, code, reason] of refused) {
    it(`refuses by ${text}`, () => {
      const expected = { kind: 'refused', code, reason, isTransient: false };
      assert.deepEqual(readAnswer({ status: 200, text }), expected);
    });
  }

  const broken: [string, ErrorCode][] = [
    ['', ErrorCode.HTTP_DATA_INVLIAD],
    ['<html>Bad gateway</html>', ErrorCode.HTTP_DATA_INVLIAD],
    ['{"code":', ErrorCode.HTTP_DATA_INVLIAD],
    [`${'long '.repeat(100)}text`, ErrorCode.HTTP_DATA_INVLIAD],
    ['\u0000\u0001\u0002', ErrorCode.HTTP_DATA_INVLIAD],
    ['\uFFFDq\uFFFD', ErrorCode.HTTP_DATA_INVLIAD],
    ['{}', ErrorCode.RESPONSE_DATA],
    ['{"code":"0"}', ErrorCode.RESPONSE_DATA],
    ['{"code":0.5}', ErrorCode.RESPONSE_DATA],
    ['{"__proto__":{"code":0}}', ErrorCode.RESPONSE_DATA],
    ['[0]', ErrorCode.RESPONSE_DATA],
    ['null', ErrorCode.RESPONSE_DATA],
    ['true', ErrorCode.RESPONSE_DATA],
  ];
  for (const [text, code] of broken) {
    it(`is broken when it is ${JSON.stringify(text.slice(0, 30))}`, () => {
      const expected = { kind: 'broken', code, reason: '', isTransient: false };
      assert.deepEqual(readAnswer({ status: 200, text }), expected);
    });
  }

  it('refuses by a status 4xx, with the reason of its body', () => {
    const text = '{"message":"unknown key"}';
    assert.deepEqual(readAnswer({ status: 403, text }), {
      kind: 'refused',
      code: ErrorCode.HTTP_STATUS_INVALID,
      reason: 'unknown key',
      isTransient: false,
    });
  });

  for (const status of [201, 204, 301, 302]) {
    it(`is broken for good when the status is ${status}, even with 0`, () => {
      const { kind, isTransient } = { isTransient: true, ...readAnswer({ status, text: '0' }) };
      assert.deepEqual([kind, isTransient], ['broken', false]);
    });
  }

  for (const status of [408, 425, 429, 500, 502, 503]) {
    it(`may be another one later when the status is ${status}`, () => {
      const read = readAnswer({ status, text: 'stack trace' });
      assert.deepEqual(read, {
        kind: 'broken',
        code: ErrorCode.HTTP_STATUS_INVALID,
        reason: '',
        isTransient: true,
      });
    });
  }

  it('is made one line of at most 200 characters, without orders to a terminal', () => {
    assert.equal(oneLine(' a\r\n\u001B[31m b\u2028c\u202E '), 'a [31m b c');
    assert.equal(oneLine('x'.repeat(9999)).length, 200);
    assert.equal(oneLine('\u{1F600}'.repeat(300)), '\u{1F600}'.repeat(200));
  });
});
