import type { ClientSequence } from './exchange.ts'

const ns = '/manage/namespaces/abc'
const repo = `${ns}/repos/r`

/**
 * The acceptance tests of Open Telekom Cloud's SDK for Go, with a token: the prefix comes from the catalog (`smn`), bodies
 * end in a line feed, no GET or DELETE names a type, and the first page of a list is asked for twice.
 */
export const gophertelekomcloud: ClientSequence = {
  client: 'gophertelekomcloud',
  prefix: '/swr-api/v2',
  headers: {
    always: { accept: 'application/json', 'user-agent': 'golangsdk/2.0.0', 'x-auth-token': '{token}' },
    withBody: { 'content-type': 'application/json' },
  },
  exchanges: [
    { call: 'POST /manage/namespaces', body: '{"namespace":"abc"}\n', status: 201, text: '{}' },
    { call: `GET ${ns}`, status: 200, shows: { name: 'abc', auth: 7, creator_name: 'user1' } },
    { call: 'GET /manage/namespaces', status: 200, shows: { namespaces: [{ name: 'abc' }] } },
    { call: 'GET /manage/namespaces?namespace=abc', status: 200, shows: { namespaces: [{ name: 'abc' }] } },
    { call: 'GET /manage/namespaces?namespace=ab', status: 200, text: '{"namespaces":[]}' },
    {
      call: `POST ${ns}/access`,
      body: '[{"user_id":"{user_id}","user_name":"colleague","auth":3}]\n',
      ...{ status: 201, text: '{}' },
    },
    {
      call: `PATCH ${ns}/access`,
      body: '[{"user_id":"{user_id}","user_name":"colleague","auth":1}]\n',
      ...{ status: 201, text: '{}' },
    },
    {
      call: `GET ${ns}/access`,
      status: 200,
      shows: { name: 'abc', others_auths: [{ user_id: '{user_id}', user_name: 'colleague', auth: 1 }] },
    },
    { call: `DELETE ${ns}/access`, body: '["{user_id}"]\n', status: 204, text: '' },
    {
      call: `POST ${ns}/repos`,
      body: '{"repository":"a/b","category":"linux","description":"d","is_public":true}\n',
      ...{ status: 201, text: '{}' },
    },
    {
      call: `GET ${ns}/repos/a$b`,
      status: 200,
      shows: { name: 'a/b', category: 'linux', description: 'd', is_public: true, num_downloads: 0 },
    },
    { call: `POST ${ns}/repos`, body: '{"repository":"r","is_public":true}\n', status: 201, text: '{}' },
    { call: `PATCH ${repo}`, body: '{"category":"linux","is_public":false}\n', status: 201, text: '{}' },
    { call: `GET ${repo}`, status: 200, shows: { category: 'linux', is_public: false } },
    ...[1, 2].map(() => ({
      call: 'GET /manage/repos?limit=4&namespace=abc&offset=0',
      status: 200,
      shows: [{ total_range: 2 }, { total_range: 2 }],
      answers: { 'content-range': '0-2/2' },
    })),
    { call: 'GET /manage/repos?limit=4&namespace=abc&offset=4', status: 200, text: '[]' },
    { call: 'GET /manage/repos?center=self', status: 200, shows: [{ namespace: 'abc' }, { namespace: 'abc' }] },
    {
      call: `GET ${repo}/tags?limit=500&offset=0&order_column=updated_at&order_type=asc`,
      ...{ status: 200, text: '[]', answers: { 'content-range': '0-0/0' } },
    },
    { call: `DELETE ${repo}/tags/v1`, status: 404, shows: { errorCode: 'SVCSTG.SWR.4040048' } },
    {
      call: `POST ${repo}/access-domains`,
      body: '{"access_domain":"OTC111","permit":"read","deadline":"forever","description":""}\n',
      ...{ status: 201, text: '{}' },
    },
    {
      call: `GET ${repo}/access-domains`,
      status: 200,
      shows: [{ access_domain: 'OTC111', permit: 'read', deadline: 'forever', status: true }],
    },
    { call: `GET ${repo}/access-domains/OTC111`, status: 200, shows: { exist: true, repository: 'r', status: true } },
    {
      call: 'GET /manage/shared-repositories?center=self&limit=10',
      status: 200,
      shows: [{ name: 'r', total_range: 1 }],
    },
    {
      call: `PATCH ${repo}/access-domains/OTC111`,
      body: '{"permit":"read","deadline":"2024-01-01T00:00:00.000Z","description":"x"}\n',
      ...{ status: 201, text: '{}' },
    },
    {
      call: `GET ${repo}/access-domains/OTC111`,
      status: 200,
      shows: { deadline: '2024-01-01T00:00:00.000Z', description: 'x', status: false },
    },
    { call: `DELETE ${repo}/access-domains/OTC111`, status: 204, text: '' },
    { call: `DELETE ${repo}`, status: 204, text: '' },
    { call: `GET ${repo}`, status: 404, shows: { errorCode: 'SVCSTG.SWR.4040010' } },
    { call: `DELETE ${ns}/repos/a$b`, status: 204, text: '' },
    { call: `DELETE ${ns}`, status: 204, text: '' },
    { call: `GET ${ns}`, status: 404, shows: { errorCode: 'SVCSTG.SWR.4040058' } },
  ],
}
