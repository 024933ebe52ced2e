import assert from 'node:assert/strict';

import { checkSecurity } from '../../../../src/app/access/security';
import { ErrorCode } from '../../../../src/core/errors';

import { clientOf, vhostOf } from './harness';

const { SYSTEM_SECURITY: NOT_ALLOWED, SYSTEM_SECURITY_DENY: DENIED } = ErrorCode;

/** What becomes of a publish: 0 when it is allowed, else the code. */
function publish(rules: string, ip: string): number {
  const { security } = vhostOf(`security { enabled on; ${rules} }`);
  return checkSecurity('publish', clientOf({}, ip), security)?.code ?? 0;
}

const cases: readonly (readonly [string, string, number])[] = [
  // Without an allow rule that matches, nobody gets in.
  ['', '10.0.0.1', NOT_ALLOWED],
  ['allow play all;', '10.0.0.1', NOT_ALLOWED],
  ['allow publish 10.0.0.2;', '10.0.0.1', NOT_ALLOWED],
  ['deny publish 10.0.0.2;', '10.0.0.1', NOT_ALLOWED],
  ['allow publish all;', '10.0.0.1', 0],
  ['allow publish all;', '2001:db8::1', 0],
  ['allow publish all;', 'not an address', 0],
  // A deny rule wins, wherever it stands.
  ['deny publish all;', '10.0.0.1', DENIED],
  ['deny publish 10.0.0.1; allow publish all;', '10.0.0.1', DENIED],
  ['allow publish 10.0.0.1; deny publish all;', '10.0.0.1', DENIED],
  ['allow publish all; deny play all;', '10.0.0.1', 0],
  ['allow publish all; deny publish 10.0.0.0/24; deny publish ::1;', '10.0.1.0', 0],
  ['allow publish all; deny publish 10.0.0.0/24; deny publish ::1;', '::1', DENIED],
  // Ranges of IPv4.
  ['allow publish 10.1.2.3;', '10.1.2.3', 0],
  ['allow publish 10.0.0.0/8;', '10.255.255.255', 0],
  ['allow publish 10.0.0.0/8;', '11.0.0.0', NOT_ALLOWED],
  ['allow publish 10.77.0.9/8;', '10.0.0.1', 0],
  ['allow publish 192.168.1.128/25;', '192.168.1.127', NOT_ALLOWED],
  ['allow publish 192.168.1.128/25;', '192.168.1.128', 0],
  ['allow publish 192.168.1.4/31;', '192.168.1.5', 0],
  ['allow publish 192.168.1.4/31;', '192.168.1.6', NOT_ALLOWED],
  ['allow publish 0.0.0.0/0;', '203.0.113.7', 0],
  ['allow publish 0.0.0.0/0;', '2001:db8::1', NOT_ALLOWED],
  // Ranges of IPv6.
  ['allow publish 2001:db8::/32;', '2001:db8:ffff::1', 0],
  ['allow publish 2001:db8::/32;', '2001:db9::1', NOT_ALLOWED],
  ['allow publish 2001:0DB8:0::1;', '2001:db8::1', 0],
  ['allow publish fe80::/10;', 'febf::1', 0],
  ['allow publish fe80::/10;', 'fec0::1', NOT_ALLOWED],
  ['allow publish ::/0;', '2001:db8::1', 0],
  ['allow publish ::/0;', '10.0.0.1', NOT_ALLOWED],
  // IPv4 within IPv6 is IPv4, in peers and in rules.
  ['allow publish 10.0.0.0/8;', '::ffff:10.1.2.3', 0],
  ['allow publish 10.0.0.0/8;', '::ffff:a01:203', 0],
  ['allow publish 10.0.0.0/8;', '::FFFF:11.1.2.3', NOT_ALLOWED],
  ['allow publish all; deny publish 127.0.0.1;', '::ffff:127.0.0.1', DENIED],
  ['allow publish ::ffff:10.0.0.0/104;', '10.1.2.3', 0],
  // What is no address is in no range.
  ['allow publish 0.0.0.0/0; allow publish ::/0;', '', NOT_ALLOWED],
  ['allow publish 10.0.0.1;', '10.0.0.1.evil.com', NOT_ALLOWED],
  ['allow publish 10.0.0.1;', '010.0.0.1x', NOT_ALLOWED],
];

describe('the security rules', () => {
  for (const [rules, ip, expected] of cases) {
    it(`${expected === 0 ? 'allow' : 'refuse'} ${ip || 'nobody'} with "${rules}"`, () => {
      assert.equal(publish(rules, ip), expected);
    });
  }

  it('say which rule it was, and from where', () => {
    const { security } = vhostOf('security { enabled on; allow play all; deny publish all; }');
    assert.deepEqual(checkSecurity('publish', clientOf({}, '10.0.0.1'), security), {
      code: DENIED,
      status: 'NetStream.Publish.Denied',
      description: 'a security rule denies publish from 10.0.0.1',
    });
    const closed = vhostOf('security { enabled on; }').security;
    assert.deepEqual(checkSecurity('play', clientOf({}, '10.0.0.1'), closed), {
      code: NOT_ALLOWED,
      status: 'NetStream.Play.Failed',
      description: 'no security rule allows play from 10.0.0.1',
    });
  });

  it('are about publish and play each by itself, and not about connect', () => {
    const { security } = vhostOf('security { enabled on; allow play all; deny publish all; }');
    assert.equal(checkSecurity('play', clientOf(), security), undefined);
    assert.equal(checkSecurity('connect', clientOf(), security), undefined);
    assert.ok(checkSecurity('publish', clientOf(), security));
  });

  it('deny nobody while they are off', () => {
    const { security } = vhostOf('security { deny publish all; }');
    assert.equal(checkSecurity('publish', clientOf(), security), undefined);
  });
});
