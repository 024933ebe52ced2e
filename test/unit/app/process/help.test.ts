import assert from 'node:assert/strict';

import { ExitStatus } from '../../../../src/app/process/exit-status';
import { bannerLines, helpText } from '../../../../src/app/process/help';
import { product } from '../../../../src/core/version';

describe('helpText', () => {
  const text = helpText('objs/srs');
  const lines = text.split('\n');

  it('opens with name and version, and ends with a newline', () => {
    assert.ok(text.startsWith(`SRS(Simple RTMP Server) ${product.version} `));
    assert.ok(text.endsWith("/app?key=KEY,vhost=bandcheck.srs.com'\n"));
  });

  it('names the caller’s program in usage and examples', () => {
    assert.ok(text.includes('Usage: objs/srs [-h?vV] [[-t] -c <filename>]'));
    assert.ok(lines.includes('   objs/srs -t -c conf/srs.conf'));
  });

  it('aligns what the options mean at column 23', () => {
    const options = lines.filter((line) => line.startsWith('   -'));
    assert.equal(options.length, 9);
    for (const line of options) assert.match(line, /^ {3}-.{19}\b/);
    assert.ok(options.every((line) => line.charAt(22) === ' ' && line.charAt(23) !== ' '));
  });

  it('lists every exit status', () => {
    for (const status of Object.values(ExitStatus)) {
      assert.ok(lines.some((line) => line.startsWith(`   ${status} `)));
    }
  });
});

describe('bannerLines', () => {
  it('begins with the version string, and ends with what was configured', () => {
    const lines = bannerLines({ configFile: 'conf/srs.conf', maxConnections: 1000 });
    assert.equal(lines[0], product.serverName);
    assert.ok(lines[1]?.startsWith(`srs(simple-rtmp-server) ${product.version}`));
    assert.equal(lines.at(-1), 'conf: conf/srs.conf, limit: 1000');
  });
});
