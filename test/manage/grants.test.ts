import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import { organizationGrantsView, repositoryGrantsView } from '../../src/protocol/manage/grants.ts'
import { describeEngines } from '../databases.ts'
import { type ManageServer, startManageServer, type TestUser } from './server.ts'

const grantOf = (user: TestUser, auth: unknown) => ({ user_id: user.id, user_name: user.name, auth })

/** The same four calls on an organization and on an image, and where they differ. */
const kinds = [
  { on: 'organization', below: '', exists: '4090076', unknown: '4040078', level: '4001065' },
  { on: 'image', below: '/repos/app$r', exists: '4090089', unknown: '4040091', level: '4001066' },
] as const

for (const kind of kinds) {
  describeEngines(`permissions of an ${kind.on}`, (_engine, open) => {
    let server: ManageServer
    let owner: TestUser
    let bob: TestUser
    let carol: TestUser
    let foreigner: TestUser
    let access: string

    beforeAll(async () => {
      server = await startManageServer(open)
      owner = await server.addUser('owner')
      bob = await server.addUser('bob')
      carol = await server.addUser('carol')
      foreigner = await server.addUser('dave', { account: 'OTC111' })
    })
    afterAll(() => server.stop())

    let round = 0
    beforeEach(async () => {
      round += 1
      const organization = `/v2/manage/namespaces/group${round}`
      await server.ask(owner, 'POST /v2/manage/namespaces', { namespace: `group${round}` })
      await server.ask(owner, `POST ${organization}/repos`, { repository: 'app/r', is_public: false })
      access = `${organization}${kind.below}/access`
    })

    const show = async () => (await server.ask(owner, `GET ${access}`)).body
    const others = async () =>
      (await show()).others_auths.map(
        (grant: { user_name: string; auth: number }) => `${grant.user_name} ${grant.auth}`,
      )

    test('are shown with the caller’s own apart', async () => {
      await server.ask(owner, `POST ${access}`, [grantOf(carol, 1), grantOf(bob, 3)])
      const shown = await server.ask(owner, `GET ${access}`)
      expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'application/json'])
      const view = kind.on === 'image' ? repositoryGrantsView : organizationGrantsView
      view.strict().parse(shown.body)
      expect(shown.body).toEqual({
        id: shown.body.id,
        name: kind.on === 'image' ? 'app/r' : `group${round}`,
        ...(kind.on === 'organization' && { creator_name: 'owner' }),
        self_auth: grantOf(owner, 7),
        others_auths: [grantOf(bob, 3), grantOf(carol, 1)],
      })
      expect(Number.isInteger(shown.body.id)).toBe(true)
    })

    test('are [] where nobody else has any', async () => {
      expect((await show()).others_auths).toEqual([])
    })

    test('a new one is 201 {}, changed 201 {}, removed 204', async () => {
      const made = await server.ask(owner, `POST ${access}`, [grantOf(bob, 1)])
      expect([made.status, made.text, made.headers.get('content-type')]).toEqual([201, '{}', 'application/json'])
      expect(await others()).toEqual(['bob 1'])
      const changed = await server.ask(owner, `PATCH ${access}`, [grantOf(bob, 3)])
      expect([changed.status, changed.text]).toEqual([201, '{}'])
      expect(await others()).toEqual(['bob 3'])
      const removed = await server.ask(owner, `DELETE ${access}`, [bob.id])
      expect([removed.status, removed.text]).toEqual([204, ''])
      expect(await others()).toEqual([])
    })

    test('a second one for a user is 409, and then nobody of the list gets any', async () => {
      await server.ask(owner, `POST ${access}`, [grantOf(bob, 1)])
      const refused = await server.ask(owner, `POST ${access}`, [grantOf(carol, 3), grantOf(bob, 3)])
      expect([refused.status, refused.code]).toEqual([409, kind.exists])
      expect(await others()).toEqual(['bob 1'])
    })

    test('to change or remove one that is not there is 404, and then none of the list is', async () => {
      await server.ask(owner, `POST ${access}`, [grantOf(bob, 1)])
      const changed = await server.ask(owner, `PATCH ${access}`, [grantOf(bob, 3), grantOf(carol, 3)])
      expect([changed.status, changed.code]).toEqual([404, kind.unknown])
      for (const stranger of [carol.id, foreigner.id, 'nobody', '\u0000', '']) {
        const removed = await server.ask(owner, `DELETE ${access}`, [bob.id, stranger])
        expect(removed.status).toBe(stranger === '\u0000' ? 400 : 404)
      }
      expect(await others()).toEqual(['bob 1'])
    })

    test('are only for users of the account, under their own names', async () => {
      for (const stranger of [
        grantOf(foreigner, 1),
        { ...grantOf(bob, 1), user_id: 'f'.repeat(32) },
        { ...grantOf(bob, 1), user_id: "' or 1=1 --" },
        { ...grantOf(bob, 1), user_name: 'carol' },
        { ...grantOf(bob, 1), user_name: '' },
      ]) {
        const refused = await server.ask(owner, `POST ${access}`, [grantOf(carol, 1), stranger])
        expect([refused.status, refused.code]).toEqual([400, '4001067'])
      }
      expect(await others()).toEqual([])
    })

    test.each([[0], [2], [4], [5], [8], [-1], [7.5], ['7'], [true], [{}], [[7]]])(
      'the level %j is 400',
      async level => {
        for (const method of ['POST', 'PATCH']) {
          const refused = await server.ask(owner, `${method} ${access}`, [grantOf(bob, level)])
          expect([refused.status, refused.code]).toEqual([400, kind.level])
        }
      },
    )

    test.each([
      ['an object', {}, '4000014'],
      ['nothing in it', [], '4000014'],
      ['null in it', [null], '4001014'],
      ['text in it', ['x'], '4000014'],
      ['no user_id', [{ user_name: 'bob', auth: 1 }], '4001014'],
      ['no user_name', [{ user_id: 'x', auth: 1 }], '4001014'],
      ['no auth', [{ user_id: 'x', user_name: 'bob' }], '4001014'],
      ['501 entries', Array.from({ length: 501 }, () => ({ user_id: 'x', user_name: 'x', auth: 1 })), '4000014'],
    ])('a list with %s is 400', async (...[_what, body, code]) => {
      for (const method of ['POST', 'PATCH']) {
        const refused = await server.ask(owner, `${method} ${access}`, body)
        expect([refused.status, refused.code]).toEqual([400, code])
      }
    })

    test('a user who is named twice is 400', async () => {
      const refused = await server.ask(owner, `POST ${access}`, [grantOf(bob, 1), grantOf(bob, 7)])
      expect([refused.status, refused.code]).toEqual([400, '4001067'])
      expect(await others()).toEqual([])
    })

    test('500 at once are taken or refused as one', async () => {
      const grants = Array.from({ length: 499 }, (_, at) => ({
        ...{ user_id: at.toString(16).padStart(32, '0'), user_name: 'x', auth: 1 },
      }))
      const refused = await server.ask(owner, `POST ${access}`, [grantOf(bob, 1), ...grants])
      expect(refused.code).toBe('4001067')
      expect(await others()).toEqual([])
    })

    test('of 20 grants to one user at once exactly one is 201', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => server.ask(owner, `POST ${access}`, [grantOf(bob, 1)])),
      )
      expect(answers.map(answer => answer.status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)])
    })

    test('to oneself: an image’s are for other users, an organization’s may change', async () => {
      const changed = await server.ask(owner, `PATCH ${access}`, [grantOf(owner, 7)])
      expect(changed.status).toBe(kind.on === 'image' ? 400 : 201)
      if (kind.on === 'organization') return
      const made = await server.ask(owner, `POST ${access}`, [grantOf(bob, 1), grantOf(owner, 7)])
      expect(made.status).toBe(400)
      expect(await others()).toEqual([])
    })

    test('every change is told by one event a user', async () => {
      const made = await server.ask(owner, `POST ${access}`, [grantOf(bob, 1), grantOf(carol, 3)])
      const removed = await server.ask(owner, `DELETE ${access}`, [bob.id])
      const ids = [made, removed].map(answer => answer.headers.get('x-request-id') ?? '')
      const events = await server.db.read
        .selectFrom('events')
        .select(['kind', 'detail'])
        .where('request_id', 'in', ids)
        .orderBy('id')
        .execute()
      const prefix = kind.on === 'image' ? 'repository' : 'organization'
      expect(events.map(event => event.kind)).toEqual([`${prefix}.granted`, `${prefix}.granted`, `${prefix}.revoked`])
      expect(events.map(event => JSON.parse(event.detail).userId)).toEqual([bob.id, carol.id, bob.id])
    })
  })
}
