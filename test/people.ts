import type { Role } from '../src/protocol/iam/roles.ts'
import { administerBeside, credentials, managementToken, type TestServer } from './server.ts'

/** A user of a test server. `basic` is the `Authorization` that clients of the registry send. */
export type Person = { name: string; id: string; account: string; password: string; basic: string }

/** A user without grants in the first account, as `stower user create` makes one beside the server. */
export async function addPerson(server: TestServer, name: string, role: Role = 'SWR OperateAccess'): Promise<Person> {
  const { user, password } = await administerBeside(server, administration =>
    administration.createUser({ name, password: `password of ${name}`, role }),
  )
  return { name, id: user.id, account: user.accountName, password, basic: `Basic ${btoa(`${name}:${password}`)}` }
}

/** Another account; its administrator, who is called like the account. */
export async function addAccount(server: TestServer, account: string): Promise<Person> {
  return administerBeside(server, async administration => {
    const { password } = await administration.createAccount({
      name: account,
      project: credentials.project,
      administrator: account,
    })
    const [user] = await administration.listUsers({ account })
    if (!user) throw new Error('the account has no administrator')
    return {
      name: account,
      id: user.id,
      account,
      password,
      basic: `Basic ${btoa(`${account}/${account}:${password}`)}`,
    }
  })
}

export async function disablePerson(server: TestServer, { name, account }: Person): Promise<void> {
  await administerBeside(server, administration => administration.setUserEnabled({ account, name, isEnabled: false }))
}

/** Grants a level of 1, 3 or 7 on an organization (`group`) or a repository (`group/app`) of the first account. */
export async function grant(server: TestServer, person: Person, on: string, level: number): Promise<void> {
  await manage(server, 'POST', `${managementPathOf(on)}/access`, [
    { user_id: person.id, user_name: person.name, auth: level },
  ])
}

/** Lets everyone pull from a repository (`group/app`) of the first account. */
export async function makePublic(server: TestServer, repository: string): Promise<void> {
  await manage(server, 'PATCH', managementPathOf(repository), { is_public: true })
}

/** Takes that back again. */
export async function makePrivate(server: TestServer, repository: string): Promise<void> {
  await manage(server, 'PATCH', managementPathOf(repository), { is_public: false })
}

/** Shares a repository (`group/app`) of the first account with another account. */
export async function share(
  server: TestServer,
  repository: string,
  account: string,
  deadline = 'forever',
): Promise<void> {
  const body = { access_domain: account, permit: 'read', deadline }
  await manage(server, 'POST', `${managementPathOf(repository)}/access-domains`, body)
}

export async function unshare(server: TestServer, repository: string, account: string): Promise<void> {
  await manage(server, 'DELETE', `${managementPathOf(repository)}/access-domains/${account}`)
}

function managementPathOf(name: string): string {
  const [organization, ...rest] = name.split('/')
  return `/v2/manage/namespaces/${organization}${rest.length === 0 ? '' : `/repos/${rest.join('$')}`}`
}

async function manage(server: TestServer, method: string, path: string, body?: unknown): Promise<void> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { 'x-auth-token': await managementToken(server), 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
}
