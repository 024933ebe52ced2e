import assert from 'node:assert/strict';

import { isNotModified, isRangeValid, validatorsOf } from '../../../../src/app/http/validators';

describe('the validators of a file', () => {
  const validators = validatorsOf(255, Date.parse('2024-05-01T00:00:00.250Z'));
  const date = 'Wed, 01 May 2024 00:00:00 GMT';

  it('tell versions of the same size and second apart', () => {
    assert.match(validators.etag, /^"ff-[0-9a-f]+"$/);
    const later = validatorsOf(255, Date.parse('2024-05-01T00:00:00.251Z'));
    assert.notEqual(later.etag, validators.etag);
    assert.equal(later.modifiedMs, validators.modifiedMs);
  });

  it('find a copy good by its tag, strong or weak, one of many, or any', () => {
    for (const tag of [validators.etag, `W/${validators.etag}`, `"x", ${validators.etag}`, '*']) {
      assert.ok(isNotModified({ 'if-none-match': tag }, validators), tag);
    }
    assert.ok(!isNotModified({ 'if-none-match': '"x"' }, validators));
  });

  it('look at the date only when there is no tag', () => {
    assert.ok(isNotModified({ 'if-modified-since': date }, validators));
    const headers = { 'if-none-match': '"x"', 'if-modified-since': date };
    assert.ok(!isNotModified(headers, validators));
    const before = 'Tue, 30 Apr 2024 23:59:59 GMT';
    assert.ok(!isNotModified({ 'if-modified-since': before }, validators));
    assert.ok(!isNotModified({ 'if-modified-since': 'yesterday' }, validators));
    assert.ok(!isNotModified({}, validators));
  });

  it('allow a range of the very same version only', () => {
    assert.ok(isRangeValid({}, validators));
    assert.ok(isRangeValid({ 'if-range': validators.etag }, validators));
    assert.ok(isRangeValid({ 'if-range': date }, validators));
    assert.ok(!isRangeValid({ 'if-range': `W/${validators.etag}` }, validators));
    assert.ok(!isRangeValid({ 'if-range': '"x"' }, validators));
    assert.ok(!isRangeValid({ 'if-range': 'Wed, 01 May 2024 00:00:01 GMT' }, validators));
  });
});
