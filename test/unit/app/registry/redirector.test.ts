import assert from 'node:assert/strict';

import type { AccessAction, Refusal } from '../../../../src/app/access/access';
import { Redirector } from '../../../../src/app/registry/redirector';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { createRequest, setStreamName } from '../../../../src/rtmp/request';

/** A play, and what is so about the stream. */
interface Case {
  readonly action?: AccessAction;
  readonly tcUrl?: string;
  readonly stream?: string;
  readonly args?: Record<string, boolean | string>;
  readonly capsEx?: number;
  readonly vhost?: string;
  readonly mode?: 'local' | 'remote';
  readonly isPublished?: boolean;
  readonly isFresh?: boolean;
  readonly addresses?: readonly string[];
}

/** The answer, and how often the registry was asked. */
async function ask(it: Case): Promise<{ refusal: Refusal | undefined; asked: number }> {
  const {
    tcUrl = 'rtmp://first/live',
    stream = 's',
    args,
    capsEx,
    vhost = '__defaultVhost__',
  } = it;
  const command = AmfObject.of({ tcUrl, ...(capsEx === undefined ? {} : { capsEx }) });
  const request = createRequest(command, args && AmfObject.of(args));
  setStreamName(request, stream);
  request.vhost = vhost;
  let asked = 0;
  const redirector = new Redirector({
    registry: {
      locate: () => {
        asked++;
        const { addresses = ['10.0.0.2:1936', '10.0.0.3:1935'], isFresh = true } = it;
        return Promise.resolve({ addresses, isFresh });
      },
    },
    findVhost: () => ({ mode: it.mode ?? 'local' }),
    isPublished: () => it.isPublished ?? false,
  });
  const client = { id: 100, ip: '192.0.2.1', request };
  const refusal = await redirector.authorize(it.action ?? 'play', client);
  redirector.ended();
  return { refusal, asked };
}

describe('Redirector', () => {
  const asking: Record<string, Case> = {
    'a parameter of the tcUrl': { tcUrl: 'rtmp://first/live?redirect=1' },
    'the status as its value': { tcUrl: 'rtmp://first/live?redirect=302' },
    'a parameter of the stream': { stream: 's?token=x&redirect=1' },
    'an argument of the connect': { args: { redirect: true } },
    'a capability': { capsEx: 1 | 2 },
  };
  for (const [how, it_] of Object.entries(asking)) {
    it(`sends a player on who asks for it by ${how}`, async () => {
      const { refusal } = await ask(it_);
      assert.match(refusal?.redirectUrl ?? '', /^rtmp:\/\/10[.]0[.]0[.]2:1936\/live[?]/);
      assert.equal(refusal?.description, 'RTMP 302 Redirect');
    });
  }

  const staying: Record<string, Case> = {
    'who did not ask for it': {},
    'who says no': { stream: 's?redirect=0', args: { redirect: 'true' } },
    'who has other capabilities': { capsEx: 2 | 4 },
    'who was sent here': { tcUrl: 'rtmp://first/live?redirected=1', capsEx: 1 },
    'whose stream is here': { capsEx: 1, isPublished: true },
    'of an edge': { capsEx: 1, mode: 'remote' },
    'who speaks TLS': { capsEx: 1, tcUrl: 'rtmps://first/live' },
    'who speaks HTTP': { tcUrl: 'http://first/live', stream: 's?redirect=1' },
    'who only connects': { capsEx: 1, action: 'connect' },
    'who publishes': { capsEx: 1, action: 'publish' },
  };
  for (const [who, it_] of Object.entries(staying)) {
    it(`asks nothing about one ${who}`, async () => {
      assert.deepEqual(await ask(it_), { refusal: undefined, asked: 0 });
    });
  }

  it('lets a player stay whose stream nobody has', async () => {
    assert.deepEqual(await ask({ capsEx: 1, addresses: [] }), { refusal: undefined, asked: 1 });
  });

  it('goes by no memories', async () => {
    assert.deepEqual(await ask({ capsEx: 1, isFresh: false }), { refusal: undefined, asked: 1 });
  });

  const urls: [Case, string][] = [
    [{}, 'rtmp://10.0.0.2:1936/live?redirected=1/s'],
    [{ stream: 's?token=x' }, 'rtmp://10.0.0.2:1936/live?redirected=1/s?token=x'],
    [{ vhost: 'demo.com' }, 'rtmp://10.0.0.2:1936/live?vhost=demo.com&redirected=1/s'],
    [
      { vhost: 'demo.com', tcUrl: 'rtmp://first/live?vhost=demo.com&a=b' },
      'rtmp://10.0.0.2:1936/live?vhost=demo.com&a=b&redirected=1/s',
    ],
    [
      { vhost: 'demo.com', stream: 's?vhost=demo.com' },
      'rtmp://10.0.0.2:1936/live?redirected=1/s?vhost=demo.com',
    ],
    [{ addresses: ['[fd00::2]:1935'] }, 'rtmp://[fd00::2]:1935/live?redirected=1/s'],
  ];
  for (const [it_, url] of urls) {
    it(`names ${url}`, async () => {
      assert.equal((await ask({ capsEx: 1, ...it_ })).refusal?.redirectUrl, url);
    });
  }
});
