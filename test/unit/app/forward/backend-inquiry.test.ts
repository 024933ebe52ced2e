import assert from 'node:assert/strict';

import { BackendInquiry } from '../../../../src/app/forward/backend-inquiry';
import type { ForwardPublish } from '../../../../src/app/forward/forward-parts';
import { Backoff } from '../../../../src/app/upstream/backoff';

const publish: ForwardPublish = {
  clientId: 105,
  ip: '10.0.0.7',
  vhost: 'a.com',
  app: 'live',
  tcUrl: 'rtmp://a.com/live',
  stream: 's',
  param: '',
};

/** A backend that gives these answers, one after the other, and then does not know. */
class Backend {
  readonly asked: string[] = [];
  readonly answers: (readonly string[] | undefined)[];
  onAsked: () => void = () => undefined;

  constructor(...answers: (readonly string[] | undefined)[]) {
    this.answers = answers;
  }

  askForwards(url: string, { stream }: ForwardPublish): Promise<readonly string[] | undefined> {
    this.asked.push(`${url} ${stream}`);
    this.onAsked();
    return Promise.resolve(this.answers.shift());
  }
}

describe('the inquiry where else a stream is to go', () => {
  const running: BackendInquiry[] = [];
  afterEach(() => {
    for (const inquiry of running.splice(0)) inquiry.cancel();
  });

  function ask(
    backend: Backend,
    onAnswer: (words: readonly string[]) => void,
    minMs = 1,
  ): BackendInquiry {
    const inquiry = new BackendInquiry({
      backend,
      url: 'http://hook.test/f',
      publish: () => publish,
      backoff: new Backoff(minMs, minMs),
      onAnswer,
    });
    running.push(inquiry);
    return inquiry;
  }

  it('begins when whoever asks is done', async () => {
    const backend = new Backend(['b.test']);
    const words = await new Promise((resolve) => {
      ask(backend, resolve);
      assert.deepEqual(backend.asked, []);
    });
    assert.deepEqual(words, ['b.test']);
    assert.deepEqual(backend.asked, ['http://hook.test/f s']);
  });

  it('goes on until there is an answer, which may be that it goes nowhere', async () => {
    const backend = new Backend(undefined, undefined, []);
    const words = await new Promise((resolve) => {
      ask(backend, resolve);
    });
    assert.deepEqual(words, []);
    assert.equal(backend.asked.length, 3);
  });

  it('is over when nobody wants to know any more', async () => {
    const backend = new Backend(['b.test']);
    const refuse = (): void => assert.fail('nobody asked');
    ask(backend, refuse).cancel();
    // A timer that begins later is later.
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(backend.asked.length, 0);
    // While the answer is on its way.
    const asked = new Promise<void>((resolve) => {
      backend.onAsked = resolve;
    });
    const late = ask(backend, refuse);
    await asked;
    late.cancel();
    // While it waits to ask again.
    const again = new Promise<void>((resolve) => {
      backend.onAsked = resolve;
    });
    const waiting = ask(backend, refuse, 60_000);
    await again;
    await new Promise(setImmediate);
    waiting.cancel();
    assert.equal(backend.asked.length, 2);
  });
});
