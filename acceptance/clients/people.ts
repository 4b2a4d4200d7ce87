import { type Login, managementToken, type Program } from '../program.ts'
import { runStower } from '../stower-command.ts'

/** What people may do in an organization, by SWR's levels: 1 pulls, 3 pushes as well, 7 manages. */
export type Level = 1 | 3 | 7

/** Makes a user of the first account with a password of their own. */
export async function createUser(program: Pick<Program, 'dataDir'>, name: string): Promise<Login & { id: string }> {
  const password = `pass word: of ${name}`
  const output = await runStower(program, ['user', 'create', name, '--password-stdin'], password)
  const id = /, id ([0-9a-f]{32})/.exec(output)?.[1]
  if (id === undefined) throw new Error(`no user was made: ${output}`)
  return { user: name, password, id }
}

/** Gives a user a right in everything that the organization holds. */
export async function grant(
  program: Pick<Program, 'url'>,
  namespace: string,
  { id, user }: { id: string; user: string },
  level: Level,
): Promise<void> {
  const body = [{ user_id: id, user_name: user, auth: level }]
  await manage(program, 'POST', `namespaces/${namespace}/access`, body)
}

/** Makes a repository public: whoever reaches the registry may pull from it. */
export async function makePublic(program: Pick<Program, 'url'>, namespace: string, repository: string): Promise<void> {
  const path = `namespaces/${namespace}/repos/${repository.replaceAll('/', '$')}`
  await manage(program, 'PATCH', path, { is_public: true })
}

async function manage({ url }: Pick<Program, 'url'>, method: string, path: string, body: unknown): Promise<void> {
  const response = await fetch(`${url}/v2/manage/${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', 'X-Auth-Token': await managementToken({ url }) },
    body: JSON.stringify(body),
  })
  if (response.status !== 201) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
}
