import assert from 'node:assert/strict';

import {
  describeError,
  describeFault,
  ErrorCode,
  errnoOf,
  errorCodeName,
  SrsError,
} from '../../../src/core/errors';

describe('error codes', () => {
  it('has no number twice', () => {
    const codes = Object.values(ErrorCode);
    assert.equal(new Set(codes).size, codes.length);
  });

  it('keeps the numbers of the reference', () => {
    assert.equal(ErrorCode.SOCKET_BIND, 1002);
    assert.equal(ErrorCode.SYSTEM_CONFIG_INVALID, 1023);
    assert.equal(ErrorCode.SYSTEM_STREAM_BUSY, 1028);
    assert.equal(ErrorCode.RTMP_AMF0_DECODE, 2003);
    assert.equal(ErrorCode.OpenSslComputeSharedKey, 2039);
    assert.equal(ErrorCode.CONTROL_REPUBLISH, 2999);
    assert.equal(ErrorCode.AAC_DATA_INVALID, 3048);
  });

  it('covers every range without a gap', () => {
    const codes = new Set<number>(Object.values(ErrorCode));
    const ranges = [
      [1000, 1060],
      [2000, 2050],
      [2998, 2999],
      [3000, 3067],
      [4000, 4029],
    ] as const;
    for (const [first, last] of ranges) {
      for (let code = first; code <= last; code++) assert.ok(codes.has(code), String(code));
    }
  });

  it('names a code, and says so when it has none', () => {
    assert.equal(errorCodeName(1035), 'SYSTEM_PID_ALREADY_RUNNING');
    assert.equal(errorCodeName(7777), 'UNKNOWN(7777)');
  });
});

describe('SrsError', () => {
  it('carries code, message and cause', () => {
    const cause = new Error('below');
    const error = new SrsError(ErrorCode.SOCKET_BIND, 'port 1935 is taken', { cause });
    assert.equal(error.code, 1002);
    assert.equal(error.cause, cause);
    assert.equal(String(error), 'SrsError: port 1935 is taken');
  });
});

describe('describeError', () => {
  it('ends with the code when there is one', () => {
    const error = new SrsError(ErrorCode.RTMP_CHUNK_START, 'fresh chunk stream starts with fmt 3');
    assert.equal(describeError(error), 'fresh chunk stream starts with fmt 3, ret=2001');
  });

  it('takes anything that can be thrown', () => {
    assert.equal(describeError(new TypeError('no such thing')), 'no such thing');
    assert.equal(describeError('text'), 'text');
    assert.equal(describeError(undefined), 'undefined');
  });
});

describe('describeFault', () => {
  it('says where it came from, as far as that is known', () => {
    assert.match(describeFault(new TypeError('no such thing')), /^TypeError: no such thing\n +at /);
    const bare = Object.assign(new Error('no such thing'), { stack: undefined });
    assert.equal(describeFault(bare), 'no such thing');
    assert.equal(describeFault('text'), 'text');
  });
});

describe('errnoOf', () => {
  it('turns the negative numbers of Node into errnos', () => {
    assert.equal(errnoOf(Object.assign(new Error('x'), { errno: -98 })), 98);
  });

  it('looks through causes', () => {
    const cause = Object.assign(new Error('x'), { errno: -13 });
    assert.equal(errnoOf(new SrsError(ErrorCode.SYSTEM_PID_ACQUIRE, 'pid', { cause })), 13);
  });

  it('takes a bare number, and answers 0 for all the rest', () => {
    assert.equal(errnoOf(11), 11);
    assert.equal(errnoOf(new Error('x')), 0);
    assert.equal(errnoOf('text'), 0);
    assert.equal(errnoOf(null), 0);
    assert.equal(errnoOf(undefined), 0);
  });
});
