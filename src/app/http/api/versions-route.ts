/** Owns the version on the port of the streams, where players look for it, too. */
import { refuseMethod } from '../exchange';
import type { HttpExchange, HttpRoute } from '../exchange';

import { jsonOf, sendJson } from './api-answer';
import { versionJson, VERSIONS_PATH } from './product-info';

/** Answers `/api/v1/versions`, as the API does, and nothing else; to everybody, as every answer names the version. */
export class VersionsRoute implements HttpRoute {
  readonly #body: Buffer;

  /** @param serverId the id of the server in the statistics */
  constructor(serverId: number) {
    this.#body = jsonOf({ fields: { data: versionJson() } }, serverId);
  }

  handle(exchange: HttpExchange): boolean {
    const { path } = exchange;
    if (path !== VERSIONS_PATH && path !== `${VERSIONS_PATH}/`) return false;
    if (!refuseMethod(exchange, ['GET', 'HEAD'])) sendJson(exchange.response, this.#body);
    return true;
  }
}
