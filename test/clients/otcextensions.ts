import type { ClientSequence } from './exchange.ts'

const name = 'sdk-swr-org-0123456789abcdef0123456789abcdef'
const ns = `/v2/manage/namespaces/${name}`

/**
 * The functional tests of python-otcextensions, on openstacksdk: an endpoint that ends in `/v2`, fields in bodies that
 * nobody asked for, `is_public` left out of an update, and lists that go on behind the last id.
 */
export const otcextensions: ClientSequence = {
  client: 'python-otcextensions',
  prefix: '',
  headers: {
    always: { accept: '*/*', 'x-auth-token': '{token}' },
    withBody: { 'content-type': 'application/json' },
  },
  exchanges: [
    { call: 'GET /v3', status: 200, shows: { version: { id: 'v3.14', status: 'stable', links: [{ rel: 'self' }] } } },
    { call: 'POST /v2/manage/namespaces', body: `{"namespace": "${name}"}`, status: 201, text: '{}' },
    { call: 'GET /v2/manage/namespaces', status: 200, shows: { namespaces: [{ name }] } },
    ...[1, 2].map(() => ({ call: `GET ${ns}`, status: 200, shows: { name, auth: 7 } })),
    {
      call: `POST ${ns}/access`,
      body: '[{"user_id": "{user_id}", "user_name": "colleague", "auth": 3}]',
      ...{ status: 201, text: '{}' },
    },
    {
      call: `PATCH ${ns}/access`,
      body: '[{"user_id": "{user_id}", "user_name": "colleague", "auth": 1}]',
      ...{ status: 201, text: '{}' },
    },
    { call: `GET ${ns}/access?namespace=${name}`, status: 200, shows: { others_auths: [{ auth: 1 }] } },
    { call: `DELETE ${ns}/access`, body: '["{user_id}"]', status: 204, text: '' },
    {
      call: `POST ${ns}/repos`,
      body: '{"repository": "r", "category": "linux", "description": "d", "is_public": false}',
      ...{ status: 201, text: '{}' },
    },
    { call: `GET ${ns}/repos/r`, status: 200, shows: { name: 'r', category: 'linux' } },
    { call: 'GET /v2/manage/repos', status: 200, shows: [{ name: 'r', namespace: name }] },
    { call: 'GET /v2/manage/repos?limit=1&marker=9007199254740', status: 200, text: '[]' },
    {
      call: `PATCH ${ns}/repos/r`,
      body: '{"repository": "r", "description": "x", "category": "app_server"}',
      ...{ status: 201, text: '{}' },
    },
    { call: `GET ${ns}/repos/r`, status: 200, shows: { description: 'x', category: 'app_server', is_public: false } },
    {
      call: `POST ${ns}/repos/r/access`,
      body: '[{"user_id": "{user_id}", "user_name": "colleague", "auth": 3}]',
      ...{ status: 201, text: '{}' },
    },
    {
      call: `POST ${ns}/repositories/r/access-domains`,
      body: '{"access_domain": "OTC111", "permit": "read", "deadline": "forever", "description": "d"}',
      ...{ status: 201, text: '{}' },
    },
    {
      call: `GET ${ns}/repositories/r/access-domains/OTC111`,
      status: 200,
      shows: { exist: true, deadline: 'forever' },
    },
    {
      call: `PATCH ${ns}/repositories/r/access-domains/OTC111`,
      body: '{"access_domain": "OTC111", "permit": "read", "deadline": "forever", "description": "y"}',
      ...{ status: 201, text: '{}' },
    },
    { call: `DELETE ${ns}/repositories/r/access-domains/OTC111`, status: 204, text: '' },
    { call: `DELETE ${ns}/repos/r`, status: 204, text: '' },
    { call: `DELETE ${ns}`, status: 204, text: '' },
    { call: `DELETE ${ns}`, status: 404, shows: { errorCode: 'SVCSTG.SWR.4040058' } },
  ],
}
