import { listRetentionHistory } from '../../core/retention/history.ts'
import {
  changePolicy,
  createPolicy,
  getPolicy,
  listPolicies,
  type RetentionPolicy,
  removePolicy,
} from '../../core/retention/policies.ts'
import type { RetentionRule, TagSelector } from '../../core/retention/rules.ts'
import { type Done, doneView } from '../../protocol/manage/done.ts'
import { contentRange, pageHeaders } from '../../protocol/manage/paging.ts'
import {
  type CreatedRetentionView,
  createdRetentionView,
  type RetentionBody,
  type RetentionHistoryView,
  type RetentionView,
  type RuleView,
  retentionBody,
  retentionHistoryKeys,
  retentionHistoryQuery,
  retentionHistoryView,
  retentionListView,
  retentionView,
} from '../../protocol/manage/retentions.ts'
import { formatTime } from '../../protocol/manage/times.ts'
import { placeIn } from './names.ts'
import {
  type Answer,
  type Call,
  done,
  isDone,
  type ManageDeps,
  type Operation,
  operation,
  shown,
  shows,
} from './operation.ts'
import { listParametersOf, pageOf } from './parameters.ts'

const ofAll = { path: '/namespaces/:organization/repos/:repository/retentions', on: 'repository' } as const
const ofOne = { path: `${ofAll.path}/:retention`, on: 'repository' } as const

/** SWR API, "Image Retention Policy Management". The history stands before what has an id: its name is no id. */
export const retentionOperations: readonly Operation[] = [
  operation({
    ...ofAll,
    method: 'POST',
    name: 'createRetention',
    summary: 'Gives an image repository its retention policy, and applies it at once.',
    route: 'retention.create',
    failureCode: '5000046',
    body: { schema: retentionBody },
    answer: { status: 201, view: createdRetentionView, headers: {} },
    errors: ['retention_exists', 'deletion_disabled'],
    run: create,
  }),
  operation({
    ...ofAll,
    method: 'GET',
    name: 'listRetentions',
    summary: 'Lists the retention policies of an image repository: one at most.',
    route: 'retention.list',
    failureCode: '5000008',
    answer: shows(retentionListView),
    errors: [],
    run: list,
  }),
  operation({
    ...ofAll,
    path: `${ofAll.path}/histories`,
    method: 'GET',
    name: 'listRetentionHistories',
    summary: 'Lists the tags that went by retention policies, a page at a time, newest first.',
    route: 'retention.history',
    failureCode: '5000008',
    query: retentionHistoryQuery,
    filter: retentionHistoryKeys,
    answer: shows(retentionHistoryView, pageHeaders),
    errors: [],
    run: history,
  }),
  operation({
    ...ofOne,
    method: 'GET',
    name: 'showRetention',
    summary: 'Shows a retention policy.',
    route: 'retention.get',
    failureCode: '5000007',
    answer: shows(retentionView),
    errors: ['retention_unknown'],
    run: show,
  }),
  operation({
    ...ofOne,
    method: 'PATCH',
    name: 'updateRetention',
    summary: 'Changes the rules of a retention policy but for their templates, and applies them at once.',
    route: 'retention.update',
    failureCode: '5000011',
    body: { schema: retentionBody },
    answer: isDone,
    errors: ['retention_unknown', 'deletion_disabled'],
    run: update,
  }),
  operation({
    ...ofOne,
    method: 'DELETE',
    name: 'deleteRetention',
    summary: 'Ends a retention policy. What went by it does not come back, and its history stays.',
    route: 'retention.delete',
    failureCode: '5000005',
    // Not 204 (SWR API, "Deleting an Image Retention Policy").
    answer: shows(doneView),
    errors: ['retention_unknown'],
    run: remove,
  }),
]

async function create(deps: ManageDeps, call: Call<RetentionBody>): Promise<Answer<CreatedRetentionView>> {
  const place = placeIn(call)
  const { rules } = await call.readBody()
  return shown({ id: await createPolicy(deps, call.by, { place, rules: rules.map(ruleOf) }) })
}

async function list(deps: ManageDeps, call: Call): Promise<Answer<RetentionView[]>> {
  const policies = await listPolicies(deps, call.by.caller, placeIn(call))
  return shown(policies.map(viewOf))
}

async function show(deps: ManageDeps, call: Call): Promise<Answer<RetentionView>> {
  return shown(viewOf(await getPolicy(deps, call.by.caller, { place: placeIn(call), id: idIn(call) })))
}

async function update(deps: ManageDeps, call: Call<RetentionBody>): Promise<Answer<Done>> {
  const place = placeIn(call)
  const { rules } = await call.readBody()
  await changePolicy(deps, call.by, { place, id: idIn(call), rules: rules.map(ruleOf) })
  return done
}

async function remove(deps: ManageDeps, call: Call): Promise<Answer<Done>> {
  await removePolicy(deps, call.by, { place: placeIn(call), id: idIn(call) })
  return done
}

async function history(deps: ManageDeps, call: Call): Promise<Answer<RetentionHistoryView>> {
  const place = placeIn(call)
  const { limit, offset } = pageOf(listParametersOf(call, retentionHistoryKeys))
  const { records, total } = await listRetentionHistory(deps, call.by.caller, { place, limit, offset })
  const view = {
    retention_log: records.map(record => ({
      created_at: formatTime(record.atMs),
      id: record.id,
      namespace: place.organization,
      repo: place.repository,
      retention_id: record.policyId,
      rule_type: JSON.stringify(ruleViewOf(record.rule)),
      tag: record.tag,
    })),
    total,
  }
  return shown(view, { 'content-range': contentRange({ offset, count: records.length, total }) })
}

/** What is no id is the id of no policy. */
function idIn({ path }: Call): number {
  const text = path.retention ?? ''
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0
}

function viewOf({ id, rules }: RetentionPolicy): RetentionView {
  return { algorithm: 'or', id, rules: rules.map(ruleViewOf), scope: '' }
}

function ruleOf(rule: RetentionBody['rules'][number]): RetentionRule {
  const exempts = rule.tag_selectors.map(({ kind, pattern }): TagSelector => {
    return kind === 'label' ? { kind: 'tag', tag: pattern } : { kind: 'pattern', pattern }
  })
  switch (rule.template) {
    case 'date_rule':
      return { keeps: 'recent', days: rule.params.days, exempts }
    case 'tag_rule':
      return { keeps: 'newest', count: rule.params.num, exempts }
  }
}

function ruleViewOf(rule: RetentionRule): RuleView {
  const tag_selectors = rule.exempts.map(each =>
    each.kind === 'tag'
      ? { kind: 'label' as const, pattern: each.tag }
      : { kind: 'regexp' as const, pattern: each.pattern },
  )
  switch (rule.keeps) {
    case 'recent':
      return { template: 'date_rule', params: { days: String(rule.days) }, tag_selectors }
    case 'newest':
      return { template: 'tag_rule', params: { num: String(rule.count) }, tag_selectors }
  }
}
