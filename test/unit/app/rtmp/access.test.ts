import assert from 'node:assert/strict';

import { allowAll } from '../../../../src/app/access/access';
import type { AccessAction, Authorizer } from '../../../../src/app/access/access';
import { usageOf } from '../../../support/hub-usage';

import { Harness } from './harness';

/** Lets everybody connect, and everybody at once do the rest, when it is opened. */
class Gate implements Authorizer {
  readonly ends: AccessAction[] = [];
  open = (): void => undefined;
  readonly #opened = new Promise<undefined>((resolve) => {
    this.open = (): void => {
      resolve(undefined);
    };
  });

  authorize(action: AccessAction): Promise<undefined> | undefined {
    return action === 'connect' ? undefined : this.#opened;
  }

  ended(action: AccessAction): void {
    this.ends.push(action);
  }
}

/** A server whose default vhost has these rules; its usage is counted. */
function ruled(rules: string, authorizer: Authorizer = allowAll): Harness {
  const harness: Harness = new Harness(`vhost __defaultVhost__ { ${rules} }`, authorizer, {
    accessContext: usageOf(() => harness.hub),
  });
  return harness;
}

describe('the rules of a vhost over RTMP', () => {
  it('refuse a publisher whose address no rule allows', () => {
    const harness = ruled('security { enabled on; allow publish 10.0.0.0/8; allow play all; }');
    const publisher = harness.client();
    publisher.publish();
    assert.equal(publisher.takeReplies().at(-1), 'NetStream.Publish.Denied');
    assert.ok(publisher.socket.isEnded);
    assert.deepEqual(harness.log.matching('refused'), [
      'error 100 publish refused, no security rule allows publish from 192.0.2.9, ret=1052',
    ]);
    const player = harness.client();
    player.play();
    assert.equal(player.takeReplies().at(-1), 'NetStream.Play.Start');
  });

  it('take a key behind the stream name, as OBS sends it, and log it nowhere', () => {
    const harness = ruled('auth { enabled on; key publish the-long-key; }');
    const publisher = harness.client();
    publisher.publish('s?key=the-long-key');
    assert.equal(publisher.takeReplies().at(-1), 'NetStream.Publish.Start');
    const guess = harness.client();
    guess.publish('t?key=the-wrong-key');
    assert.equal(guess.takeReplies().at(-1), 'NetStream.Publish.Denied');
    assert.deepEqual(harness.log.matching('refused'), [
      'error 101 publish refused, an auth rule denies publish, the key is wrong, ret=2015',
    ]);
    assert.deepEqual(harness.log.matching('the-'), []);
  });

  it('take a key in the tcUrl, and log it nowhere', () => {
    const harness = ruled('auth { enabled on; key publish the-long-key; }');
    const publisher = harness.client();
    publisher.connect({ tcUrl: 'rtmp://host/live?key=the-long-key' });
    publisher.publishAgain();
    assert.equal(publisher.takeReplies().at(-1), 'NetStream.Publish.Start');
    assert.equal(harness.log.matching('tcUrl=rtmp://host/live?key=***').length, 1);
    assert.deepEqual(harness.log.matching('the-long-key'), []);
  });

  it('ask again for another stream of the same connection', () => {
    const harness = ruled(
      'auth { enabled on; key publish the-long-key live/s; key publish other-key live/t; }',
    );
    const publisher = harness.client();
    publisher.publish('s?key=the-long-key');
    publisher.takeReplies();
    publisher.publishAgain('t?key=the-long-key');
    assert.equal(publisher.takeReplies().at(-1), 'NetStream.Publish.Denied');
  });

  it('refuse one player too many, until one leaves', () => {
    const harness = ruled('limits { clients 2; }');
    harness.client().publish();
    const first = harness.client();
    first.play();
    const second = harness.client();
    second.play();
    assert.equal(second.takeReplies().at(-1), 'NetStream.Play.Failed');
    assert.deepEqual(harness.log.matching('refused'), [
      'error 102 play refused, a limit denies play, vhost __defaultVhost__ has 2 clients at most, ret=1051',
    ]);
    first.socket.close();
    const third = harness.client();
    third.play();
    assert.equal(third.takeReplies().at(-1), 'NetStream.Play.Start');
  });

  it('let no more in than they may when all answers come at once', async () => {
    const gate = new Gate();
    const harness = ruled('limits { clients 3; }', gate);
    const players = Array.from({ length: 8 }, () => harness.client());
    for (const player of players) player.play();
    gate.open();
    await harness.log.until(() => harness.log.matching('play refused').length === 5);
    const replies = players.map((player) => player.takeReplies().at(-1));
    const playing = replies.filter((reply) => reply === 'NetStream.Play.Start');
    const refused = replies.filter((reply) => reply === 'NetStream.Play.Failed');
    assert.deepEqual([playing.length, refused.length], [3, 5]);
    assert.deepEqual(gate.ends, new Array<string>(5).fill('play'));
  });

  it('let one publisher of several in when all answers come at once', async () => {
    const gate = new Gate();
    const harness = ruled('limits { publishers 1; }', gate);
    const publishers = Array.from({ length: 4 }, () => harness.client());
    publishers.forEach((publisher, index) => {
      publisher.publish(`s${index}`);
    });
    gate.open();
    await harness.log.until(() => harness.log.matching('publish refused').length === 3);
    const replies = publishers.map((publisher) => publisher.takeReplies().at(-1));
    assert.equal(replies.filter((reply) => reply === 'NetStream.Publish.Start').length, 1);
    assert.deepEqual(gate.ends, new Array<string>(3).fill('publish'));
  });

  it('let a publisher take its stream over where there may be one only', () => {
    const harness = ruled('limits { publishers 1; clients 1; } publish_conflict takeover;');
    const first = harness.client();
    first.publish();
    const second = harness.client();
    second.publish();
    assert.equal(first.takeReplies().at(-1), 'NetStream.Publish.BadName');
    assert.equal(second.takeReplies().at(-1), 'NetStream.Publish.Start');
    const other = harness.client();
    other.publish('another');
    assert.equal(other.takeReplies().at(-1), 'NetStream.Publish.Denied');
  });

  it('let a client publish again on its connection', () => {
    const harness = ruled('limits { publishers 1; }');
    const publisher = harness.client();
    publisher.publish('s');
    publisher.takeReplies();
    publisher.publishAgain('t');
    assert.equal(publisher.takeReplies().at(-1), 'NetStream.Publish.Start');
  });
});
