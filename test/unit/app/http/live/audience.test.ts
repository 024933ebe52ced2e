import assert from 'node:assert/strict';

import { Audience } from '../../../../../src/app/http/live/audience';
import type { Source } from '../../../../../src/app/stream/source';
import { createSource, FakePublisher } from '../../stream/harness';

describe('the audience of a stream', () => {
  const never = new AbortController().signal;
  let empty: number;
  const audienceOf = (source: Source, waitMs = 1000): Audience =>
    new Audience(source, waitMs, () => {
      empty++;
    });
  beforeEach(() => {
    empty = 0;
  });

  it('is forgotten when nobody stayed, whatever came of the question', async () => {
    const { source } = createSource();
    assert.equal(await audienceOf(source, 0).waitForPublisher(never), false);
    assert.equal(await audienceOf(source).waitForPublisher(AbortSignal.abort()), false);
    assert.equal(empty, 2);
    source.acquire(new FakePublisher(100));
    assert.equal(await audienceOf(source).waitForPublisher(never), true);
    assert.equal(empty, 3, 'a client that was told so may still be refused');
  });

  it('stays while somebody plays, though others ask', async () => {
    const { source } = createSource();
    source.acquire(new FakePublisher(100));
    const audience = audienceOf(source);
    const leave = audience.join({ onStreamOver: () => undefined });
    assert.equal(await audience.waitForPublisher(never), true);
    assert.equal(empty, 0);
    leave();
    assert.equal(empty, 1);
  });

  it('keeps the stream for those who wait, and tells them of the publisher', async () => {
    const { source } = createSource();
    const asked = audienceOf(source).waitForPublisher(never);
    assert.equal(source.players, 1);
    source.acquire(new FakePublisher(100));
    assert.equal(await asked, true);
    assert.equal(source.players, 0);
    assert.equal(empty, 1);
  });
});
