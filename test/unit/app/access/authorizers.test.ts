import assert from 'node:assert/strict';

import { RefusalStatus } from '../../../../src/app/access/access';
import type { Authorizer, Refusal } from '../../../../src/app/access/access';
import { Authorizers } from '../../../../src/app/access/authorizers';
import { ErrorCode } from '../../../../src/core/errors';

import { clientOf } from './harness';

const refusal: Refusal = {
  code: ErrorCode.RTMP_ACCESS_DENIED,
  status: RefusalStatus.play,
  description: 'no',
};

describe('Authorizers', () => {
  const client = clientOf();
  let told: string[];

  beforeEach(() => {
    told = [];
  });

  /** Answers as it is told to, and writes down what it is asked and told. */
  function member(name: string, answer: () => ReturnType<Authorizer['authorize']>): Authorizer {
    return {
      authorize: (action) => {
        told.push(`${name} ${action}?`);
        return answer();
      },
      ended: (action) => {
        told.push(`${name} ${action} ended`);
      },
    };
  }

  const yes = (): undefined => undefined;
  const slowly = async (answer: Refusal | undefined): Promise<Refusal | undefined> => {
    await Promise.resolve();
    return answer;
  };

  it('ask all in order, at once when none takes time', () => {
    const both = new Authorizers([member('a', yes), member('b', yes)]);
    assert.equal(both.authorize('connect', client), undefined);
    assert.deepEqual(told, ['a connect?', 'b connect?']);
  });

  it('tell those that had allowed it when a later one refuses', () => {
    const all = new Authorizers([
      member('a', yes),
      member('b', yes),
      member('c', () => refusal),
      member('d', yes),
    ]);
    assert.equal(all.authorize('play', client), refusal);
    assert.deepEqual(told, ['a play?', 'b play?', 'c play?', 'b play ended', 'a play ended']);
  });

  it('wait for the one who takes time before they ask the next', async () => {
    const all = new Authorizers([
      member('a', () => slowly(undefined)),
      member('b', () => slowly(undefined)),
      member('c', yes),
    ]);
    const verdict = all.authorize('publish', client);
    assert.deepEqual(told, ['a publish?']);
    assert.equal(await verdict, undefined);
    assert.deepEqual(told, ['a publish?', 'b publish?', 'c publish?']);
  });

  it('tell those before when a slow one refuses', async () => {
    const all = new Authorizers([member('a', yes), member('b', () => slowly(refusal))]);
    assert.equal(await all.authorize('play', client), refusal);
    assert.deepEqual(told, ['a play?', 'b play?', 'a play ended']);
  });

  it('tell those before when one fails', async () => {
    const failing = member('b', () => Promise.reject(new Error('broken')));
    const all = new Authorizers([member('a', yes), failing]);
    await assert.rejects(async () => all.authorize('play', client), /broken/);
    assert.deepEqual(told, ['a play?', 'b play?', 'a play ended']);
  });

  it('tell those before when one throws', () => {
    const throwing = member('b', () => {
      throw new Error('broken');
    });
    const all = new Authorizers([member('a', yes), throwing, member('c', yes)]);
    assert.throws(() => all.authorize('play', client), /broken/);
    assert.deepEqual(told, ['a play?', 'b play?', 'a play ended']);
  });

  it('ask nobody else when the client has left, and tell those who allowed it', async () => {
    const leaving = { ...clientOf(), isClosing: false };
    const all = new Authorizers([
      member('a', yes),
      member('b', () => slowly(undefined)),
      member('c', yes),
    ]);
    const verdict = all.authorize('publish', leaving);
    leaving.isClosing = true;
    assert.equal((await verdict)?.code, ErrorCode.SOCKET_CLOSED);
    assert.deepEqual(told, ['a publish?', 'b publish?', 'b publish ended', 'a publish ended']);
  });

  it('tell all of the end, the last first', () => {
    new Authorizers([member('a', yes), member('b', yes)]).ended('play', client);
    assert.deepEqual(told, ['b play ended', 'a play ended']);
  });
});
