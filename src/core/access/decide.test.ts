import { expect, test } from 'bun:test'
import { type Role, roleNames } from '../../protocol/iam/roles.ts'
import { anonymous, type UserCaller } from '../caller.ts'
import { type Action, actions, decide, explain } from './decide.ts'
import type { Facts } from './facts.ts'
import type { Level } from './level.ts'
import { powersOf } from './roles.ts'
import { openSwitches } from './switches.ts'

const caller: UserCaller = {
  kind: 'user',
  userId: 'u',
  userName: 'user',
  accountId: 'a',
  accountName: 'OTC000',
  userEpoch: 1,
}

/** A private repository of the caller's account. */
function factsFor(role: Role, grants: { organization?: Level; repository?: Level } = {}): Facts {
  return {
    standing: {
      kind: 'current',
      userId: 'u',
      accountId: 'a',
      role,
      isAdministrator: powersOf[role].isAdministrator,
    },
    organization: { id: 1, accountId: 'a', level: grants.organization ?? 0, hasRepositoryGrant: false },
    repository: { id: 1, isPublic: false, level: grants.repository ?? 0, sharedUntilMs: undefined },
    switches: openSwitches,
  }
}

const may = (role: Role, action: Action, grants?: { organization?: Level; repository?: Level }) =>
  decide(caller, action, factsFor(role, grants)).isAllowed

/**
 * What each role may without a grant, and with 7 on the organization (SWR user manual, "Permission Management"):
 * `pull push delete share-or-grant make-organizations`.
 */
test.each([
  ['te_admin', '+++++', '+++++'],
  ['SWR FullAccess', '+++++', '+++++'],
  ['SWR OperateAccess', '----+', '+++++'],
  ['SWR ReadOnlyAccess', '-----', '+----'],
  ['Tenant Guest', '-----', '+----'],
  ['none', '-----', '++++-'],
] as const)('%s may %s without a grant, and %s with one of 7', (role, without, withGrant) => {
  const asked: Action[] = [
    'repository.pull',
    'repository.push',
    'content.delete',
    'organization.grant',
    'organization.create',
  ]
  const shown = (grants?: { organization?: Level }) =>
    asked.map(action => (may(role, action, grants) ? '+' : '-')).join('')
  expect([shown(), shown({ organization: 7 })]).toEqual([without, withGrant])
})

test('a grant of 7 in the hands of one who only reads shows the object and refuses to change it', () => {
  const decision = decide(caller, 'repository.push', factsFor('SWR ReadOnlyAccess', { repository: 7 }))
  expect(decision).toMatchObject({ isAllowed: false, refusal: 'denied', reasons: ['granted 1, needs 3'] })
})

/** What is asked of the own account has no object that could be of another. */
const isAboutAnObject = (action: Action) =>
  explain(caller, action, factsFor('none')).looked.some(({ rule }) => rule === 'the object is there')

test('no role counts in another account', () => {
  for (const role of roleNames) {
    const facts = factsFor(role, { organization: 7, repository: 7 })
    const foreign: Facts = { ...facts, organization: { id: 1, accountId: 'b', level: 7, hasRepositoryGrant: true } }
    for (const action of actions.filter(isAboutAnObject)) {
      expect([role, action, decide(caller, action, foreign)]).toMatchObject([
        role,
        action,
        { isAllowed: false, refusal: 'absent' },
      ])
    }
  }
})

test('explain decides as decide does and names what it looked at, the rule that decided last', () => {
  const { decision, looked } = explain(caller, 'repository.push', factsFor('SWR OperateAccess', { organization: 3 }))
  expect(decision).toEqual({ isAllowed: true, reasons: ['granted 3, needs 3'] })
  expect(looked.map(({ rule, holds }) => `${holds ? 'yes' : 'no'} ${rule}`)).toEqual([
    'yes the proof of identity counts',
    'yes the object is there',
    'yes it is of the caller’s own account',
    'no the caller manages everything of the account',
    'no being public is enough',
    'yes a grant of 3',
  ])
  for (const action of actions) {
    for (const role of [...roleNames, 'none' as const]) {
      for (const level of [undefined, 1, 3, 7] as const) {
        const facts = factsFor(role, level && { repository: level })
        expect(explain(caller, action, facts).decision).toEqual(decide(caller, action, facts))
      }
    }
  }
})

test('a refusal carries everything that was looked at, for the log', () => {
  const decision = decide(anonymous, 'repository.pull', { ...factsFor('none'), standing: { kind: 'anonymous' } })
  expect(decision).toMatchObject({ isAllowed: false, refusal: 'anonymous' })
  expect(!decision.isAllowed && decision.looked.at(-1)).toEqual({
    rule: 'something of it is visible to the caller',
    holds: false,
    because: 'so it looks absent',
  })
})
