import type { ClientSequence } from './exchange.ts'
import { gophertelekomcloud } from './gophertelekomcloud.ts'

const ns = '/manage/namespaces/test-organization-01'

/**
 * Open Telekom Cloud's provider for Terraform: what its resources do at apply, refresh, update and destroy, and what its
 * acceptance tests look at when all is gone. Its update of a repository leaves the slash of a name as it is, and so do
 * the checks of destruction.
 */
export const terraformOpentelekomcloud: ClientSequence = {
  ...gophertelekomcloud,
  client: 'terraform-provider-opentelekomcloud',
  exchanges: [
    { call: 'POST /manage/namespaces', body: '{"namespace":"test-organization-01"}\n', status: 201, text: '{}' },
    { call: `GET ${ns}`, status: 200, shows: { name: 'test-organization-01', auth: 7, creator_name: 'user1' } },
    ...['one', 'one/two', 'one/two/three'].flatMap(name => [
      {
        call: `POST ${ns}/repos`,
        body: `{"repository":"${name}","category":"linux","description":"Test repository","is_public":false}\n`,
        ...{ status: 201, text: '{}' },
      },
      {
        call: `GET ${ns}/repos/${name.replaceAll('/', '$')}`,
        status: 200,
        shows: { name, category: 'linux', description: 'Test repository', is_public: false, num_images: 0, size: 0 },
      },
    ]),
    {
      call: `PATCH ${ns}/repos/one`,
      body: '{"category":"linux","description":"Updated description","is_public":false}\n',
      ...{ status: 201, text: '{}' },
    },
    { call: `GET ${ns}/repos/one`, status: 200, shows: { description: 'Updated description' } },
    {
      call: `POST ${ns}/repos/one$two/access-domains`,
      body: '{"access_domain":"OTC111","permit":"read","deadline":"forever","description":"d"}\n',
      ...{ status: 201, text: '{}' },
    },
    {
      call: `GET ${ns}/repos/one$two/access-domains/OTC111`,
      status: 200,
      shows: { repository: 'one/two', access_domain: 'OTC111', permit: 'read', deadline: 'forever', status: true },
    },
    {
      call: `POST ${ns}/access`,
      body: '[{"user_id":"{user_id}","user_name":"colleague","auth":3}]\n',
      ...{ status: 201, text: '{}' },
    },
    { call: `GET ${ns}/access`, status: 200, shows: { others_auths: [{ user_id: '{user_id}', auth: 3 }] } },
    {
      call: `PATCH ${ns}/access`,
      body: '[{"user_id":"{user_id}","user_name":"colleague","auth":1}]\n',
      ...{ status: 201, text: '{}' },
    },
    { call: `DELETE ${ns}/access`, body: '["{user_id}"]\n', status: 204, text: '' },
    { call: `GET ${ns}/access`, status: 200, shows: { others_auths: [] } },
    { call: `DELETE ${ns}/repos/one$two/access-domains/OTC111`, status: 204, text: '' },
    { call: `GET ${ns}/repos/one$two/access-domains/OTC111`, status: 200, shows: { exist: false } },
    { call: `DELETE ${ns}`, status: 406, shows: { errorCode: 'SVCSTG.SWR.4060074' } },
    ...['one', 'one$two', 'one$two$three'].map(name => ({
      call: `DELETE ${ns}/repos/${name}`,
      ...{ status: 204, text: '' },
    })),
    { call: `GET ${ns}/repos/one/two`, status: 404 },
    { call: `DELETE ${ns}`, status: 204, text: '' },
    { call: `GET ${ns}`, status: 404 },
    { call: `GET ${ns}/access`, status: 404 },
  ],
}
