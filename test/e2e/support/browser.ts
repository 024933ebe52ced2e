/** Owns the browser of the tests, and a page of another origin than the server's, with the players in it. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const SCRIPTS: Readonly<Record<string, string>> = {
  '/hls.js': require.resolve('hls.js/dist/hls.min.js'),
  '/mpegts.js': require.resolve('mpegts.js/dist/mpegts.js'),
};
const PAGE = `<!doctype html><meta charset="utf-8"><title>player</title>
<script src="/hls.js"></script><script src="/mpegts.js"></script>
<video muted playsinline></video>`;

/** A browser, and the server of its page. */
export class Browsing {
  readonly #server: Server;
  readonly #browser: Browser;

  private constructor(server: Server, browser: Browser) {
    this.#server = server;
    this.#browser = browser;
  }

  static async start(): Promise<Browsing> {
    assert.ok(
      fs.existsSync(CHROMIUM),
      `${CHROMIUM} is missing: toolchain/test-packages.sh installs it`,
    );
    const server = createServer((request, response) => {
      const script = SCRIPTS[request.url ?? ''];
      const type = script === undefined ? 'text/html' : 'text/javascript';
      response.writeHead(200, { 'Content-Type': type });
      response.end(script === undefined ? PAGE : fs.readFileSync(script));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const args = ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'];
    const browser = await chromium.launch({ executablePath: CHROMIUM, args });
    return new Browsing(server, browser);
  }

  /** A fresh page with the scripts of the players and one video element. */
  async page(): Promise<Page> {
    const page = await this.#browser.newPage();
    const { port } = this.#server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/`);
    return page;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
