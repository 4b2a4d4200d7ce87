import type { ClientSequence } from './exchange.ts'

const ns = '/v2/manage/namespaces/pysdk'
const token = { 'x-auth-token': '{token}' }

/**
 * Huawei's SDK for Python: every part of a path is percent-encoded, a slash that the caller forgot to replace too, every
 * request names JSON as its type, and `filter` is encoded whole.
 */
export const pythonSdk: ClientSequence = {
  client: 'huaweicloudsdkswr (Python)',
  prefix: '',
  headers: { always: { accept: '*/*', 'content-type': 'application/json', ...token }, withBody: {} },
  exchanges: [
    { call: 'GET /', status: 200, shows: { versions: [{ id: 'v2', links: { rel: 'self' } }] } },
    { call: 'GET /v2', status: 200, shows: { version: { id: 'v2', status: 'CURRENT' } } },
    { call: 'POST /v2/manage/namespaces', body: '{"namespace": "pysdk"}', status: 201, text: '{}' },
    {
      call: 'GET /v2/manage/namespaces?filter=namespace%3A%3Apysdk%7Cmode%3A%3Avisible',
      status: 200,
      shows: { namespaces: [{ name: 'pysdk', access_user_count: 1, repo_count: 0 }] },
    },
    { call: `POST ${ns}/repos`, body: '{"repository": "a/b", "is_public": true}', status: 201, text: '{}' },
    { call: `GET ${ns}/repos/a%24b`, status: 200, shows: { name: 'a/b', category: '', url: '', priority: 0 } },
    { call: `GET ${ns}/repos/a%2Fb`, status: 200, shows: { name: 'a/b' } },
    {
      call: 'GET /v2/manage/repos?filter=center%3A%3Aself%7Cnamespace%3A%3Apysdk%7Climit%3A%3A10%7Coffset%3A%3A0',
      ...{ status: 200, shows: [{ name: 'a/b', total_range: 1 }], answers: { 'content-range': '0-1/1' } },
    },
    { call: 'GET /v2/manage/repos?filter=nothing%3A%3A1', status: 400, shows: { error_code: 'SVCSTG.SWR.4001035' } },
    { call: 'GET /v2/manage/repos?limit=0', status: 400, shows: { error_code: 'SVCSTG.SWR.4000056' } },
    { call: 'GET /v2/manage/repos?order_column=num_images', status: 400, shows: { error_code: 'SVCSTG.SWR.4001096' } },
    {
      call: `POST ${ns}/repos/a%24b/access`,
      body: '[{"user_id": "{user_id}", "user_name": "colleague", "auth": 1}]',
      ...{ status: 201, text: '{}' },
    },
    { call: `DELETE ${ns}/repos/a%24b/access`, body: '["{user_id}"]', status: 204, text: '' },
    { call: 'GET /v2/manage/overview', status: 200, shows: { domain_name: 'OTC000' } },
    {
      call: 'GET /v2/manage/projects/{project_id}/quotas',
      status: 200,
      shows: { quotas: [{ quota_key: 'namespace' }, { quota_key: 'repository' }] },
    },
    { call: 'GET /v2/manage/projects/{project_id}/feature-gates', status: 200, shows: { enable_list_v3: true } },
    { call: 'GET /v2/manage/reports/store/daily', status: 200 },
    { call: 'POST /v2/manage/utils/secret?projectname=eu-de', status: 200 },
    { call: `DELETE ${ns}/repos/a%24b`, status: 204, text: '' },
    { call: `DELETE ${ns}`, status: 204, text: '' },
    {
      call: `GET ${ns}`,
      status: 404,
      shows: { error_code: 'SVCSTG.SWR.4040058', errorCode: 'SVCSTG.SWR.4040058', errors: [{ detail: '' }] },
    },
  ],
}
