import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import packageJson from '../../package.json';
import { rootRows } from '../../src/app/config/config';
import { availableFeatures } from '../../src/app/config/features';
import { listDirectives } from '../../src/app/config/reference';

const root = join(__dirname, '../..');
const readmes = ['README.md', 'README.zh.md'];
const documents = readdirSync(join(root, 'doc')).filter((name) => name.endsWith('.md'));
const pages = [...readmes, ...documents.map((name) => `doc/${name}`)];

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** First groups of all matches. */
function found(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

/** Links to files of the project, without those to other hosts. */
function linksOf(page: string): string[] {
  return found(read(page), /\]\(([^)\s]+)\)/g).filter((link) => !/^[a-z]+:/.test(link));
}

/** What the headings of a page are called in links to it. */
function anchorsOf(page: string): string[] {
  return found(read(page), /^#+ (.+)$/gm).map((title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function resolve(page: string, link: string): { file: string; anchor: string | undefined } {
  const [path = '', anchor] = link.split('#');
  const file = path === '' ? page : relative(root, join(root, dirname(page), path));
  return { file, anchor };
}

/** The part of a page from one heading to the next of any level. */
function sectionOf(page: string, title: string): string {
  const [, after] = read(page).split(`${title}\n`);
  assert.ok(after !== undefined, `${page} has no section "${title}"`);
  return after.split(/^#/m)[0] ?? '';
}

describe('the documents', () => {
  for (const page of pages) {
    it(`${page} links to nothing that is not there`, () => {
      for (const link of linksOf(page)) {
        const { file, anchor } = resolve(page, link);
        assert.ok(existsSync(join(root, file)), `${page}: ${link}`);
        if (anchor !== undefined) assert.ok(anchorsOf(file).includes(anchor), `${page}: ${link}`);
      }
    });

    it(`${page} names configuration files and scripts that exist`, () => {
      const names = found(
        read(page),
        /((?:conf\/[\w.]+\.conf)|(?:(?:toolchain|src|test)\/[\w/.-]+\.\w+)\b)/g,
      );
      for (const name of names) assert.ok(existsSync(join(root, name)), `${page}: ${name}`);
    });

    it(`${page} names make targets that exist`, () => {
      const targets = found(read('Makefile'), /^([a-z][a-z0-9-]*):/gm);
      for (const target of found(read(page), /`make ([a-z][a-z0-9-]*)/g)) {
        assert.ok(targets.includes(target), `${page}: make ${target}`);
      }
    });
  }

  it('are all in the index', () => {
    const listed = linksOf('doc/README.md');
    for (const name of documents) {
      if (name !== 'README.md') assert.ok(listed.includes(name), name);
    }
  });
});

describe('the READMEs', () => {
  const dependencies = Object.keys(packageJson.devDependencies);
  const missing = listDirectives(rootRows)
    .map(({ row }) => row)
    .filter(({ feature }) => feature !== undefined && !availableFeatures.has(feature))
    .map(({ name }) => name);
  const sections = {
    'README.md': { missing: '### Parsed, not built yet', packages: '## Dependencies' },
    'README.zh.md': { missing: '### 能解析，尚未实现', packages: '## 依赖' },
  };

  for (const [page, titles] of Object.entries(sections)) {
    it(`${page} gives the reason of every dependency, and of no other`, () => {
      const table = found(sectionOf(page, titles.packages), /^\| (`.*?) *\|/gm).join(', ');
      assert.deepEqual(found(table, /`([^`]+)`/g).sort(), [...dependencies].sort());
    });

    it(`${page} tells which directives are not built yet`, () => {
      const table = found(sectionOf(page, titles.missing), /^\| (`.*?) *\|/gm).join(', ');
      const told = found(table, /`([^`]+)`/g).filter((name) => name !== 'builtin');
      assert.deepEqual(told.sort(), [...new Set(missing)].sort());
    });

    it(`${page} begins with the two commands`, () => {
      const [build, , test] = found(read(page), /^```\n([^]*?)\n```$/gm);
      assert.equal(build, './configure && make && ./objs/srs -c conf/demo.conf');
      assert.equal(test, 'make test');
    });

    it(`${page} has a place for the benchmark`, () => {
      assert.match(read(page), /<!-- bench:begin -->[^]*<!-- bench:end -->/);
    });
  }

  it('have the same sections and the same links', () => {
    const shapes = readmes.map((page) => {
      const headings = found(read(page), /^(#+) /gm);
      const links = linksOf(page).filter((link) => !readmes.includes(link));
      return { headings, links };
    });
    assert.deepEqual(shapes[0], shapes[1]);
  });

  it('have no runtime dependency to account for', () => {
    assert.ok(!('dependencies' in packageJson));
  });
});
