/** Owns the endpoints by which a client can try itself out: its own request, an error, a redirect. */
import type { Endpoint, Read } from './endpoint';
import { echoRequest } from './request-echo';

const ERRORS_PATH = '/api/v1/tests/errors';
/** What the reference answers there; no error of its table. */
const TEST_ERROR = 100;

/** `requests`, and what is below `tests`. */
export function testEndpoints(): readonly Endpoint[] {
  const echo: Read = ({ exchange }) => echoRequest(exchange);
  return [
    {
      path: '/api/v1/requests',
      about: 'the request itself, for http debug',
      lasts: 'once',
      read: echo,
    },
    { path: '/api/v1/tests/requests', about: 'the request itself', lasts: 'once', read: echo },
    {
      path: ERRORS_PATH,
      about: `always the error ${TEST_ERROR}`,
      lasts: 'forever',
      read: () => ({ code: TEST_ERROR }),
    },
    {
      path: '/api/v1/tests/redirects',
      about: `always a redirect to ${ERRORS_PATH}`,
      lasts: 'once',
      read: () => ({ status: 301, headers: { Location: ERRORS_PATH } }),
    },
  ];
}
