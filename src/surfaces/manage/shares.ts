import { findShare, listShares, type Share } from '../../core/sharing/read-shares.ts'
import { changeShare, shareRepository, unshareRepository } from '../../core/sharing/shares.ts'
import { contentRange } from '../../protocol/manage/paging.ts'
import {
  createShareBody,
  type ShareView,
  type ShownShareView,
  shareListKeys,
  updateShareBody,
} from '../../protocol/manage/shares.ts'
import { formatTime } from '../../protocol/manage/times.ts'
import { readJson } from './body.ts'
import { parseFields } from './fields.ts'
import { placeIn } from './names.ts'
import { type Answer, type Call, done, gone, type ManageDeps, type Operation, shown } from './operation.ts'
import { listParametersOf } from './parameters.ts'
import { pageOf } from './repository-list.ts'

/**
 * SWR API, "Shared Account Management". Documents write `repositories` in the path, and the Go SDK of Open Telekom Cloud
 * `repos`, as the rest of the API does.
 */
export const shareOperations: readonly Operation[] = ['repositories', 'repos'].flatMap(spelling => {
  const path = `/namespaces/:organization/${spelling}/:repository/access-domains`
  const ofAll = { path, on: 'repository' } as const
  const ofOne = { path: `${path}/:account`, on: 'repository' } as const
  return [
    { ...ofAll, method: 'POST', route: 'repository.share', failureCode: '5000093', run: create },
    { ...ofAll, method: 'GET', route: 'repository.list-shares', failureCode: '5000090', run: list },
    { ...ofOne, method: 'GET', route: 'repository.get-share', failureCode: '5000090', run: show },
    { ...ofOne, method: 'PATCH', route: 'repository.change-share', failureCode: '5000092', run: change },
    { ...ofOne, method: 'DELETE', route: 'repository.unshare', failureCode: '5000092', run: remove },
  ] as const
})

type Place = ReturnType<typeof placeIn>

async function create(deps: ManageDeps, call: Call): Promise<Answer> {
  const place = placeIn(call)
  const { access_domain, deadline, description } = parseFields(createShareBody, await readJson(deps, call))
  await shareRepository(deps, call.by, {
    place,
    accountName: access_domain,
    terms: { deadline, description: description ?? '' },
  })
  return done
}

async function list(deps: ManageDeps, call: Call): Promise<Answer> {
  const place = placeIn(call)
  const page = pageOf(listParametersOf(call, shareListKeys))
  const { shares, total } = await listShares(deps, call.by.caller, { place, ...page })
  const range = contentRange({ offset: page.offset, count: shares.length, total })
  return shown<ShareView[]>(
    shares.map(share => viewOf(share, place)),
    { 'content-range': range },
  )
}

async function show(deps: ManageDeps, call: Call): Promise<Answer> {
  const place = placeIn(call)
  const accountName = accountIn(call)
  const share = await findShare(deps, call.by.caller, { place, accountName })
  return shown<ShownShareView>(share ? { exist: true, ...viewOf(share, place) } : absent(place, accountName))
}

async function change(deps: ManageDeps, call: Call): Promise<Answer> {
  const place = placeIn(call)
  const { deadline, description } = parseFields(updateShareBody, await readJson(deps, call))
  await changeShare(deps, call.by, {
    place,
    accountName: accountIn(call),
    terms: { deadline, ...(typeof description === 'string' && { description }) },
  })
  return done
}

async function remove(deps: ManageDeps, call: Call): Promise<Answer> {
  await unshareRepository(deps, call.by, { place: placeIn(call), accountName: accountIn(call) })
  return gone
}

/** Whatever it is: what no account is called is shared with nobody. */
function accountIn({ path }: Call): string {
  return path.account ?? ''
}

function viewOf(share: Share, place: Place): ShareView {
  return {
    namespace: place.organization,
    repository: place.repository,
    access_domain: share.accountName,
    permit: 'read',
    deadline: share.deadline,
    description: share.description,
    creator_id: share.creatorId,
    creator_name: share.creatorName,
    created: formatTime(share.createdMs),
    updated: formatTime(share.updatedMs),
    status: share.isValid,
  }
}

function absent(place: Place, accountName: string): ShownShareView {
  return {
    exist: false,
    namespace: place.organization,
    repository: place.repository,
    access_domain: accountName,
    permit: '',
    deadline: '',
    description: '',
    creator_id: '',
    creator_name: '',
    created: '',
    updated: '',
    status: false,
  }
}
