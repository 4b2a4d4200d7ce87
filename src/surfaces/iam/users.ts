import {
  changeOwnPassword,
  editUser,
  makeUser,
  removeUser,
  showUser,
  type UserWithProfile,
} from '../../core/accounts/for-callers.ts'
import { findUser, selectProjects, selectUsers } from '../../core/accounts/queries.ts'
import type { UserChange } from '../../core/accounts/update-user.ts'
import { DomainError } from '../../core/errors.ts'
import {
  type ChangedUser,
  changePasswordBody,
  createUserBody,
  type Profile,
  profileKeys,
  profileSchema,
  updateUserBody,
} from '../../protocol/iam/users.ts'
import { type Call, gone, type IamDeps, type IamOperation } from './operation.ts'
import { isAsked, links, listOf, pageOf, pathText, queryText, readJson } from './reading.ts'
import { projectBody, userBody, wholeUserBody } from './representations.ts'

/** Keystone's users (`/v3/users`), and the same with what IAM adds (`/v3.0/OS-USER/users`). */
export const userOperations: readonly IamOperation[] = [
  // Whoever may grant needs the ids of the others of the account, so every user of it may list them.
  { method: 'GET', path: '/v3/users', route: 'iam.user.list', run: list },
  { method: 'POST', path: '/v3/users', route: 'iam.user.create', run: create },
  { method: 'GET', path: '/v3/users/:user', route: 'iam.user.show', run: show },
  { method: 'PATCH', path: '/v3/users/:user', route: 'iam.user.update', run: update },
  { method: 'DELETE', path: '/v3/users/:user', route: 'iam.user.delete', run: remove },
  { method: 'POST', path: '/v3/users/:user/password', route: 'iam.user.change-password', run: changePassword },
  { method: 'GET', path: '/v3/users/:user/projects', route: 'iam.user.list-projects', run: listProjects },
  { method: 'POST', path: '/v3.0/OS-USER/users', route: 'iam.user.create-whole', run: create },
  { method: 'GET', path: '/v3.0/OS-USER/users/:user', route: 'iam.user.show-whole', run: show },
  { method: 'PUT', path: '/v3.0/OS-USER/users/:user', route: 'iam.user.update-whole', run: update },
]

async function list(deps: IamDeps, call: Call): Promise<Response> {
  const { accountId } = call.by.caller
  const page = pageOf(call)
  const name = queryText(call, 'name')
  const enabled = queryText(call, 'enabled')
  const users = !isAsked(call, 'domain_id', accountId)
    ? []
    : name === undefined
      ? await selectUsers(deps.db.read, accountId, page)
      : listOf(await findUser(deps.db.read, accountId, { name }))
  const shown = users.filter(user => enabled === undefined || String(user.isEnabled) === enabled.toLowerCase())
  return Response.json({
    users: shown.map(user => userBody(user, call.exchange.baseUrl)),
    links: links(call, page, users),
  })
}

async function create(deps: IamDeps, call: Call): Promise<Response> {
  const { user } = await readJson(call, {
    schema: createUserBody,
    limitBytes: deps.limits.bodyBytes,
    expected: 'user.name, and what else is known of the user as IAM writes it',
  })
  requireOwnDomain(call, user)
  const profile = profileAfter({}, user)
  const made = await makeUser(deps, call.by, { ...changeOf(user), name: user.name, profile })
  return answerUser(call, { user: made, profile }, 201)
}

async function show(deps: IamDeps, call: Call): Promise<Response> {
  return answerUser(call, await showUser(deps, call.by, pathText(call, 'user')), 200)
}

async function update(deps: IamDeps, call: Call): Promise<Response> {
  const { user: asked } = await readJson(call, {
    schema: updateUserBody,
    limitBytes: deps.limits.bodyBytes,
    expected: 'user, with what is to be changed of it as IAM writes it',
  })
  requireOwnDomain(call, asked)
  const changed = await editUser(deps, call.by, {
    id: pathText(call, 'user'),
    change: ({ profile }) => ({
      ...changeOf(asked),
      ...(touchesProfile(asked) && { profile: profileAfter(readProfile(profile), asked) }),
    }),
  })
  return answerUser(call, changed, 200)
}

async function remove(deps: IamDeps, call: Call): Promise<Response> {
  await removeUser(deps, call.by, pathText(call, 'user'))
  return gone()
}

async function changePassword(deps: IamDeps, call: Call): Promise<Response> {
  const { user } = await readJson(call, {
    schema: changePasswordBody,
    limitBytes: deps.limits.bodyBytes,
    expected: 'user.original_password and user.password',
  })
  const { sourceAddress } = call.by.origin
  await changeOwnPassword(deps, call.by, {
    id: pathText(call, 'user'),
    password: user.password,
    proveOld: ({ id }) => deps.identity.provePassword({ id }, user.original_password, sourceAddress),
  })
  return gone()
}

/** A user is at home in every project of the account. */
async function listProjects(deps: IamDeps, call: Call): Promise<Response> {
  const { user } = await showUser(deps, call.by, pathText(call, 'user'))
  const page = pageOf(call)
  const projects = await selectProjects(deps.db.read, user.accountId, page)
  return Response.json({ projects: projects.map(projectBody), links: links(call, page, projects) })
}

function answerUser(call: Call, { user, profile }: UserWithProfile, status: number): Response {
  const { baseUrl } = call.exchange
  const body = profile === undefined ? userBody(user, baseUrl) : wholeUserBody(user, readProfile(profile), baseUrl)
  return Response.json({ user: body }, { status })
}

/** Users are made and kept in the own account only (Keystone: 403 for another domain). */
function requireOwnDomain({ by }: Call, { domain_id: domainId }: ChangedUser): void {
  if (!domainId || domainId === by.caller.accountId) return
  throw new DomainError('denied', 'users are managed in the own domain only')
}

function changeOf(user: ChangedUser): Omit<UserChange, 'profile'> {
  return {
    name: user.name || undefined,
    password: user.password || undefined,
    isEnabled: user.enabled ?? undefined,
    accessMode: user.access_mode || undefined,
  }
}

function touchesProfile(user: ChangedUser): boolean {
  return profileKeys.some(key => user[key] !== undefined && user[key] !== null)
}

function profileAfter(before: Profile, user: ChangedUser): string {
  const written = profileKeys.map(key => [key, user[key] ?? before[key]] as const)
  return JSON.stringify(Object.fromEntries(written.filter(([, value]) => value !== undefined && value !== null)))
}

function readProfile(profile: string | undefined): Profile {
  return profile === undefined ? {} : profileSchema.parse(JSON.parse(profile))
}
