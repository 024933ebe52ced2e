import assert from 'node:assert/strict';

import { exposeAll, labelText } from '../../../../../src/app/http/api/exposition';
import type { MetricFamily } from '../../../../../src/app/http/api/exposition';
import { parsePrometheus } from '../../../../support/prometheus-text';

const family: MetricFamily<number | undefined> = {
  name: 'srs_things',
  type: 'gauge',
  help: 'How many.',
  value: (thing) => thing,
};

describe('the text format of Prometheus', () => {
  it('says what a metric is before its samples, one line each', () => {
    const text = exposeAll(
      [family],
      [
        { labels: 'a="1"', thing: 5 },
        { labels: 'a="2"', thing: 0.25 },
      ],
    );
    assert.equal(
      text,
      '# HELP srs_things How many.\n# TYPE srs_things gauge\n' +
        'srs_things{a="1"} 5\nsrs_things{a="2"} 0.25\n',
    );
  });

  it('writes no braces without labels, and adds those of the metric itself', () => {
    assert.match(exposeAll([family], [{ labels: '', thing: 1 }]), /^srs_things 1$/m);
    const labelled = { ...family, labels: () => ({ b: 'x' }) };
    assert.match(exposeAll([labelled], [{ labels: '', thing: 1 }]), /^srs_things\{b="x"\} 1$/m);
    assert.match(
      exposeAll([labelled], [{ labels: 'a="1"', thing: 1 }]),
      /^srs_things\{a="1",b="x"\} 1$/m,
    );
  });

  it('leaves out what has no value, and a metric without any', () => {
    const some = [
      { labels: 'a="1"', thing: undefined },
      { labels: 'a="2"', thing: 2 },
    ];
    assert.equal(parsePrometheus(exposeAll([family], some)).get('srs_things')?.samples.length, 1);
    assert.equal(exposeAll([family], some.slice(0, 1)), '');
    assert.equal(exposeAll([family], []), '');
  });

  it('writes numbers as its readers spell them', () => {
    const numbers = [1e21, 1e-7, NaN, Infinity, -Infinity];
    const text = exposeAll(
      [family],
      numbers.map((thing, index) => ({ labels: `a="${index}"`, thing })),
    );
    const values = text.split('\n').slice(2, -1).map((line) => line.split(' ')[1]); // prettier-ignore
    assert.deepEqual(values, ['1e+21', '1e-7', 'NaN', '+Inf', '-Inf']);
  });

  it('escapes labels, so that any name comes back as it was', () => {
    const name = 'a"b\\c\nd{e="f",} \\n é 直播 😀';
    const text = exposeAll([family], [{ labels: labelText({ name, other: '' }), thing: 1 }]);
    const [sample] = parsePrometheus(text).get('srs_things')?.samples ?? [];
    assert.deepEqual(sample?.labels, { name, other: '' });
  });

  it('replaces what no text can hold', () => {
    const half = String.fromCharCode(0xd800);
    assert.equal(labelText({ a: `x\0y\rz\u0085${half}.` }), 'a="x\ufffdy\ufffdz\ufffd\ufffd."');
  });
});
