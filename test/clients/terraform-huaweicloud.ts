import type { ClientSequence } from './exchange.ts'

const ns = '/v2/manage/namespaces/tfhw'
const repo = `${ns}/repos/a$b`
const shares = `${ns}/repositories/a$b/access-domains`
const rules = '[{"template":"date_rule","params":{"days":"30"},"tag_selectors":[{"kind":"label","pattern":"v1"}]}]'

/**
 * Huawei's provider for Terraform, resource by resource, and its data sources. It decodes the body of every POST and PATCH,
 * asks lists for ten at a time, until a page is empty or `total_range` is reached, and sends `|` and `::` raw.
 */
export const terraformHuaweicloud: ClientSequence = {
  client: 'terraform-provider-huaweicloud',
  prefix: '',
  headers: {
    always: { accept: 'application/json', 'content-type': 'application/json', 'x-auth-token': '{token}' },
    withBody: {},
  },
  exchanges: [
    { call: 'GET /v3/auth/domains', status: 200, shows: { domains: [{ name: 'OTC000', enabled: true }] } },
    { call: 'GET /v3/projects?name=eu-de', status: 200, shows: { projects: [{ name: 'eu-de', id: '{project_id}' }] } },
    { call: 'POST /v2/manage/namespaces', body: '{"namespace":"tfhw"}', status: 201, text: '{}' },
    { call: `GET ${ns}`, status: 200, shows: { name: 'tfhw', auth: 7, creator_name: 'user1' } },
    { call: 'GET /v3.0/OS-USER/users/{user_id}', status: 200, shows: { user: { name: 'colleague' } } },
    {
      call: `POST ${ns}/access`,
      body: '[{"user_id":"{user_id}","user_name":"colleague","auth":3}]',
      ...{ status: 201, text: '{}' },
    },
    { call: `GET ${ns}/access`, status: 200, shows: { self_auth: { auth: 7 }, others_auths: [{ auth: 3 }] } },
    { call: `DELETE ${ns}/access`, body: '["{user_id}"]', status: 204, text: '' },
    {
      call: `POST ${ns}/repos`,
      body: '{"repository":"a/b","category":"linux","description":"d","is_public":false}',
      ...{ status: 201, text: '{}' },
    },
    { call: `GET ${repo}`, status: 200, shows: { name: 'a/b', category: 'linux', num_images: 0, size: 0 } },
    { call: `PATCH ${repo}`, body: '{"is_public":false,"description":"","category":"linux"}', status: 201, text: '{}' },
    { call: `GET ${repo}`, status: 200, shows: { description: '' } },
    {
      call: `POST ${repo}/access`,
      body: '[{"user_id":"{user_id}","user_name":"colleague","auth":7}]',
      ...{ status: 201, text: '{}' },
    },
    { call: `GET ${repo}/access`, status: 200, shows: { others_auths: [{ user_id: '{user_id}', auth: 7 }] } },
    { call: `DELETE ${repo}/access`, body: '["{user_id}"]', status: 204, text: '' },
    {
      call: `POST ${shares}`,
      body: '{"access_domain":"OTC111","deadline":"2099-10-01T00:00:00Z","description":"d","permit":"read"}',
      ...{ status: 201, text: '{}' },
    },
    {
      call: `GET ${shares}/OTC111`,
      status: 200,
      shows: { exist: true, deadline: '2099-10-01T00:00:00Z', status: true },
    },
    { call: `GET ${shares}`, status: 200, shows: [{ access_domain: 'OTC111' }] },
    {
      call: 'GET /v2/manage/shared-repositories?center=self&limit=10&offset=0',
      ...{ status: 200, shows: [{ name: 'a/b', total_range: 1 }] },
    },
    { call: 'GET /v2/manage/shared-repositories?center=self&limit=10&offset=1', status: 200, text: '[]' },
    {
      call: `PATCH ${shares}/OTC111`,
      body: '{"deadline":"forever","description":"","permit":"read"}',
      ...{ status: 201, text: '{}' },
    },
    { call: `DELETE ${shares}/OTC111`, status: 204, text: '' },
    { call: `GET ${shares}/OTC111`, status: 200, shows: { exist: false } },
    { call: `DELETE ${shares}/OTC111`, status: 404 },
    { call: `POST ${repo}/tags`, body: '{"source_tag":"v1","destination_tag":"v2"}', status: 404 },
    { call: `GET ${repo}/tags?limit=10&offset=0`, status: 200, text: '[]' },
    {
      call: `POST ${repo}/retentions`,
      body: `{"algorithm":"or","rules":${rules}}`,
      ...{ status: 201, shows: {} },
    },
    { call: `GET ${repo}/retentions`, status: 200, shows: [{ algorithm: 'or', scope: '', rules: JSON.parse(rules) }] },
    {
      call: `DELETE ${repo}/retentions/999999999`,
      status: 400,
      shows: { errors: [{ errorCode: 'SVCSTG.SWR.4000306' }] },
    },
    { call: `GET ${repo}/retentions/histories?limit=10&offset=0`, status: 200, shows: { retention_log: [], total: 0 } },
    { call: 'POST /v2/manage/utils/secret', status: 200 },
    { call: 'GET /v2/manage/agency', status: 200, shows: { is_agency: false } },
    { call: 'POST /v2/manage/agency', status: 204, text: '' },
    { call: 'POST /v2/manage/agency', status: 409 },
    { call: 'GET /v2/manage/agency', status: 200, shows: { is_agency: true } },
    { call: 'GET /v2/manage/namespaces?filter=mode::visible', status: 200, shows: { namespaces: [{ name: 'tfhw' }] } },
    { call: 'GET /v2/manage/repos?limit=10&offset=0', status: 200, shows: [{ total_range: 1 }] },
    { call: 'GET /v2/manage/repos?limit=10&offset=1', status: 200, text: '[]', answers: { 'content-range': '1-0/1' } },
    { call: 'GET /v2/manage/overview', status: 200, shows: { namspace_num: 1, repo_num: 1 } },
    { call: 'GET /v2/manage/reports/downflow/daily', status: 200 },
    {
      call: 'GET /v2/manage/projects/{project_id}/quotas',
      status: 200,
      shows: { quotas: [{ quota_key: 'namespace', used: 1 }, { used: 1 }] },
    },
    { call: 'GET /v3/manage/repos?limit=10', status: 200, shows: { repos: [{ name: 'a/b', namespace_name: 'tfhw' }] } },
    { call: 'GET /v3/manage/shared-repositories?shared_by=self&limit=10', status: 200, text: '{"repos":[]}' },
    {
      call: `GET /v3/manage/namespaces/tfhw/repos/a$b/tags?limit=10`,
      status: 200,
      shows: { tags: [], has_more: false },
    },
    { call: `DELETE ${repo}`, status: 204, text: '' },
    { call: `DELETE ${ns}`, status: 204, text: '' },
    { call: `GET ${ns}`, status: 404 },
  ],
}
