import { afterAll, beforeAll, expect, test } from 'bun:test'
import { iamOperations } from '../../src/surfaces/iam/surface.ts'
import { everyRow } from '../manage/stage.ts'
import { addAccount, addPerson, disablePerson } from '../people.ts'
import { credentials, describeServers, startTestServer, type TestServer } from '../server.ts'
import { type Wire, wireOf } from './wire.ts'

/**
 * Who asks about another user of the account: `nobody` has no token and `expired` one of an hour ago; `foreign` administers
 * another account; `plain`, `reader` and `full` are users with SWR's roles; `self` is the user that is asked about, and
 * `admin` a `te_admin`.
 */
const askers = 'nobody expired disabled foreign plain reader full self admin'.split(' ')

/** Whom it is about: a user with a key, a device that is not bound, and a role on the domain and on the project. */
type Subject = { user: string; name: string; token: string; key: string; serial: string }

type Row = { answers: string; place?: 'domain' | 'project'; query?: string; body?: (of: Subject) => unknown }

const toAll = '200 200 200 200 200 200 200 200 200'
const toUsers = '401 401 401 200 200 200 200 200 200'
const ofAccount = '401 401 401 404 200 200 200 200 200'
const toManagersAndSelf = '401 401 401 404 403 403 403 200 200'

/** What each is answered, by the operation's route; an operation without a row fails the tests. */
const matrix: Readonly<Record<string, Row>> = {
  'iam.versions': { answers: toAll },
  'iam.version': { answers: toAll },
  'iam.catalog': { answers: toUsers },
  'iam.project.list': { answers: toUsers },
  'iam.project.list-own': { answers: toUsers },
  'iam.domain.list': { answers: toUsers },
  'iam.token.create': {
    body: ({ token }) => ({ auth: { identity: { methods: ['token'], token: { id: token } } } }),
    answers: '201 201 201 201 201 201 201 201 201',
  },
  'iam.token.show': { answers: '401 401 401 404 404 404 404 200 200' },
  'iam.token.revoke': { answers: '401 401 401 404 404 404 404 204 204' },
  'iam.user.list': { answers: toUsers },
  'iam.user.create': {
    body: ({ name }) => ({ user: { name: `${name} more` } }),
    answers: '401 401 401 201 403 403 403 403 201',
  },
  'iam.user.show': { answers: ofAccount },
  'iam.user.update': {
    body: () => ({ user: { description: 'changed' } }),
    answers: '401 401 401 404 403 403 403 403 200',
  },
  'iam.user.delete': { answers: '401 401 401 404 403 403 403 403 204' },
  'iam.user.change-password': {
    body: ({ name }) => ({ user: { original_password: `password of ${name}`, password: 'another password' } }),
    answers: '401 401 401 404 403 403 403 204 403',
  },
  'iam.user.list-projects': { answers: ofAccount },
  'iam.user.create-whole': {
    body: ({ name }) => ({ user: { name: `${name} more` } }),
    answers: '401 401 401 201 403 403 403 403 201',
  },
  'iam.user.show-whole': { answers: ofAccount },
  'iam.user.update-whole': {
    body: () => ({ user: { email: 'changed@example.org' } }),
    answers: '401 401 401 404 403 403 403 403 200',
  },
  'iam.credential.create': {
    body: ({ user }) => ({ credential: { user_id: user } }),
    answers: '401 401 401 404 403 403 403 201 201',
  },
  'iam.credential.list': { query: '?user_id=:user', answers: toManagersAndSelf },
  'iam.credential.show': { answers: '401 401 401 404 404 404 404 200 200' },
  'iam.credential.update': {
    body: () => ({ credential: { status: 'inactive' } }),
    answers: '401 401 401 404 404 404 404 200 200',
  },
  'iam.credential.delete': { answers: '401 401 401 404 404 404 404 204 204' },
  'iam.security-token.create': {
    body: ({ token }) => ({ auth: { identity: { methods: ['token'], token: { id: token } } } }),
    // The headers and the body have to name one user.
    answers: '201 401 401 401 401 401 401 201 401',
  },
  'iam.mfa.create': {
    body: ({ user }) => ({ virtual_mfa_device: { name: 'again', user_id: user } }),
    answers: '401 401 401 404 403 403 403 201 201',
  },
  'iam.mfa.list': { answers: '401 401 401 200 403 403 403 403 200' },
  'iam.mfa.delete': { query: '?user_id=:user&serial_number=:serial', answers: '401 401 401 404 403 403 403 204 204' },
  'iam.mfa.show': { answers: toManagersAndSelf },
  // Wrong codes are no login, and count as one that failed.
  'iam.mfa.bind': {
    body: ({ user, serial }) => ({
      user_id: user,
      serial_number: serial,
      authentication_code_first: '000000',
      authentication_code_second: 'none',
    }),
    answers: '401 401 401 404 403 403 403 401 401',
  },
  'iam.mfa.unbind': {
    body: ({ user, serial }) => ({ user_id: user, serial_number: serial, authentication_code: 'none' }),
    answers: '401 401 401 404 403 403 403 401 401',
  },
  'iam.role.list': { answers: toUsers },
  'iam.role.show': { answers: toUsers },
  'iam.role.list-assignments': { query: '?user.id=:user', answers: toManagersAndSelf },
  'iam.role.project-list': { place: 'project', answers: toManagersAndSelf },
  'iam.role.project-check': { place: 'project', answers: '401 401 401 404 403 403 403 204 204' },
  'iam.role.project-assign': { place: 'project', answers: '401 401 401 404 403 403 403 403 204' },
  'iam.role.project-unassign': { place: 'project', answers: '401 401 401 404 403 403 403 403 204' },
  'iam.role.domain-list': { place: 'domain', answers: toManagersAndSelf },
  'iam.role.domain-check': { place: 'domain', answers: '401 401 401 404 403 403 403 204 204' },
  'iam.role.domain-assign': { place: 'domain', answers: '401 401 401 404 403 403 403 403 204' },
  'iam.role.domain-unassign': { place: 'domain', answers: '401 401 401 404 403 403 403 403 204' },
}

test('every operation of the identity API has a row in the matrix, and every row an operation and each asker', () => {
  expect(Object.keys(matrix).sort()).toEqual(iamOperations.map(({ route }) => route).sort())
  for (const [route, { answers }] of Object.entries(matrix)) {
    expect([route, answers.split(' ').length]).toEqual([route, askers.length])
  }
})

describeServers('rights in the identity API', engine => {
  let server: TestServer
  let wire: Wire
  let admin: string
  let places: Record<'domain' | 'project', string>
  const tokens: Record<string, string | undefined> = {}

  beforeAll(async () => {
    // An hour passes, and the jobs that are due then change rows of their own.
    const options = { clock: { nowMs: () => nowMs }, lookForJobsEveryMs: 3_600_000 }
    server = await startTestServer(engine, { STOWER_TOKENS_KEYSTONE_LIFE: '1h' }, options)
    wire = wireOf(server)
    await addPerson(server, 'expired')
    tokens.expired = await wire.logIn('expired', 'password of expired')
    nowMs += 3_600_000
    admin = (await wire.logIn(credentials.user, credentials.password)) ?? ''
    places = {
      domain: (await wire.ask(admin, 'GET /v3/auth/domains')).body.domains[0].id,
      project: (await wire.ask(admin, 'GET /v3/projects')).body.projects[0].id,
    }
    tokens.admin = admin
    const foreigner = await addAccount(server, 'OTC111')
    tokens.foreign = await wire.logIn(foreigner.name, foreigner.password, 'OTC111')
    for (const [name, role] of [
      ['plain', 'SWR OperateAccess'],
      ['reader', 'SWR ReadOnlyAccess'],
      ['full', 'SWR FullAccess'],
      ['disabled', 'te_admin'],
    ] as const) {
      const person = await addPerson(server, name, role)
      tokens[name] = await wire.logIn(name, person.password)
      if (name === 'disabled') await disablePerson(server, person)
    }
  })
  afterAll(() => server.stop())
  let nowMs = Date.now()

  let round = 0
  async function makeSubject(): Promise<Subject> {
    round += 1
    const name = `subject ${round}`
    const { id } = await addPerson(server, name, 'none')
    const credential = { user_id: id }
    const key = await wire.ask(admin, 'POST /v3.0/OS-CREDENTIAL/credentials', { credential })
    await wire.ask(admin, `PUT /v3/domains/${places.domain}/users/${id}/roles/3`)
    await wire.ask(admin, `PUT /v3/projects/${places.project}/users/${id}/roles/3`)
    const device = await wire.ask(admin, 'POST /v3.0/OS-MFA/virtual-mfa-devices', {
      virtual_mfa_device: { name: `device${round}`, user_id: id },
    })
    const serial = device.body.virtual_mfa_device.serial_number
    const token = (await wire.logIn(name, `password of ${name}`)) ?? ''
    return { user: id, name, token, key: key.body.credential.access, serial }
  }

  async function ask(operation: (typeof iamOperations)[number], subject: Subject, token: string | undefined) {
    const row = matrix[operation.route]
    const names = {
      user: subject.user,
      key: subject.key,
      serial: subject.serial,
      role: '3',
      place: row?.place ? places[row.place] : '',
    }
    const path = Object.entries(names).reduce(
      (text, [name, value]) => text.replace(`:${name}`, value),
      `${operation.path}${row?.query ?? ''}`,
    )
    const response = await fetch(`${server.url}${operation.path === '/' ? '/iam' : path}`, {
      method: operation.method,
      headers: { ...(token !== undefined && { 'x-auth-token': token }), 'x-subject-token': subject.token },
      ...(row?.body && { body: JSON.stringify(row.body(subject)) }),
    })
    return { status: response.status, text: await response.text() }
  }

  test.each(askers.map((who, column) => [who, column] as const))(
    '%s may do what the matrix says, and what is refused changes nothing',
    async (who, column) => {
      let subject = await makeSubject()
      const answers: string[] = []
      for (const operation of iamOperations) {
        const before = operation.method === 'GET' ? undefined : await everyRow(server.database)
        const { status } = await ask(operation, subject, who === 'self' ? subject.token : tokens[who])
        answers.push(`${operation.route} ${status}`)
        if (before && status >= 400) {
          expect([operation.route, await everyRow(server.database)]).toEqual([operation.route, before])
        }
        if (before && status < 400) subject = await makeSubject()
      }
      expect(answers).toEqual(iamOperations.map(({ route }) => `${route} ${matrix[route]?.answers.split(' ')[column]}`))
    },
  )

  test('to an administrator of another account a user, a key and a token look like none at all', async () => {
    const subject = await makeSubject()
    const absent = { ...subject, user: 'f'.repeat(32), key: 'AKNOWHERE', token: 'none' }
    for (const operation of iamOperations) {
      if (matrix[operation.route]?.answers.split(' ')[askers.indexOf('foreign')] !== '404') continue
      const theirs = await ask(operation, subject, tokens.foreign)
      const nothing = await ask(operation, absent, tokens.foreign)
      const blank = ({ text }: typeof theirs, { user, key }: Subject) => text.replaceAll(user, '*').replaceAll(key, '*')
      expect([operation.route, theirs.status, blank(theirs, subject)]).toEqual([
        operation.route,
        404,
        blank(nothing, absent),
      ])
    }
  })
})
