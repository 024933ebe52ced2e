import assert from 'node:assert/strict';

import type { HlsSession } from '../../../../../src/app/http/hls/hls-session';
import { HlsSessions } from '../../../../../src/app/http/hls/hls-sessions';

/** A session that only knows its times. */
class FakeSession {
  isOver = false;
  endedMs: number | undefined;
  startedMs: number;
  lastMs: number;
  idleMs: number;

  constructor(startedMs: number, idleMs = 30_000) {
    this.startedMs = startedMs;
    this.lastMs = startedMs;
    this.idleMs = idleMs;
  }

  end(nowMs: number): void {
    this.isOver = true;
    this.endedMs ??= nowMs;
  }

  get asSession(): HlsSession {
    return this as unknown as HlsSession;
  }
}

describe('sessions of HLS', () => {
  it('last as long as requests come', () => {
    const sessions = new HlsSessions();
    const session = new FakeSession(0);
    sessions.add('a', session.asSession);
    for (let nowMs = 0; nowMs < 200_000; nowMs += 29_000) {
      assert.equal(sessions.find('a', nowMs), session);
      sessions.sweep(nowMs);
    }
    assert.equal(session.isOver, false);
  });

  it('end by silence, each after its own time', () => {
    const sessions = new HlsSessions();
    const [slow, quick] = [new FakeSession(0, 100_000), new FakeSession(1)];
    sessions.add('slow', slow.asSession);
    sessions.add('quick', quick.asSession);
    sessions.sweep(30_000);
    assert.deepEqual([slow.endedMs, quick.endedMs], [undefined, undefined]);
    sessions.sweep(30_001);
    assert.deepEqual([slow.endedMs, quick.endedMs], [undefined, 30_001]);
    sessions.sweep(100_000);
    assert.equal(slow.endedMs, 100_000);
    assert.equal(sessions.size, 0);
  });

  it('are over for a request that comes too late, also before a sweep', () => {
    const sessions = new HlsSessions();
    const session = new FakeSession(0);
    sessions.add('a', session.asSession);
    assert.equal(sessions.find('a', 30_000), undefined);
    assert.equal(session.endedMs, 30_000);
    assert.equal(sessions.size, 0);
  });

  it('make room for a new one, the one with the oldest last request first', () => {
    const sessions = new HlsSessions(2);
    const [first, second, third] = [new FakeSession(0), new FakeSession(1), new FakeSession(3)];
    sessions.add('first', first.asSession);
    sessions.add('second', second.asSession);
    sessions.find('first', 2);
    sessions.add('third', third.asSession);
    assert.equal(second.endedMs, 3);
    assert.equal(sessions.find('first', 4), first);
    assert.equal(sessions.size, 2);
  });

  it('end when another one comes in their place', () => {
    const sessions = new HlsSessions();
    const [before, after] = [new FakeSession(0), new FakeSession(5)];
    sessions.add('a', before.asSession);
    sessions.add('a', after.asSession);
    assert.equal(before.endedMs, 5);
    sessions.remove('a', 6, before.asSession);
    assert.equal(sessions.find('a', 7), after);
  });

  it('that an operator has ended are not kept by further requests', () => {
    const sessions = new HlsSessions();
    const session = new FakeSession(0);
    sessions.add('a', session.asSession);
    session.end(0);
    assert.equal(sessions.find('a', 20_000), session);
    assert.equal(sessions.find('a', 30_000), undefined);
  });

  it('all end at once', () => {
    const sessions = new HlsSessions();
    const all = [new FakeSession(0), new FakeSession(0)];
    all.forEach((session, index) => {
      sessions.add(`${index}`, session.asSession);
    });
    sessions.clear(9);
    assert.deepEqual(
      all.map(({ endedMs }) => endedMs),
      [9, 9],
    );
    assert.equal(sessions.size, 0);
  });
});
