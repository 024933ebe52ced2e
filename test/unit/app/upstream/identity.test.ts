import assert from 'node:assert/strict';

import { identityArgs } from '../../../../src/app/upstream/identity';
import { product } from '../../../../src/core/version';
import { AmfObject } from '../../../../src/rtmp/amf0-value';

describe('the identity told upstream', () => {
  it('stands beside the arguments of the client', () => {
    const args = AmfObject.of({ token: 'x', srs_pid: 1 });
    const told = identityArgs({ args, serverIp: '10.0.0.1', contextId: 105 });
    assert.equal(told.string('token'), 'x');
    assert.equal(told.number('srs_pid'), process.pid);
    assert.equal(told.number('srs_id'), 105);
    assert.equal(told.string('srs_server_ip'), '10.0.0.1');
    assert.equal(told.string('srs_sig'), product.key);
    assert.equal(told.string('srs_version'), product.version);
    assert.equal(args.number('srs_pid'), 1);
  });

  it('needs no arguments of a client', () => {
    const told = identityArgs({ args: undefined, serverIp: '10.0.0.1', contextId: 105 });
    const keys = ['sig', 'server', 'license', 'role', 'url', 'version', 'site', 'email'];
    for (const key of [...keys, 'copyright', 'primary', 'authors', 'server_ip', 'pid', 'id']) {
      assert.ok(told.entries.has(`srs_${key}`), key);
    }
  });
});
