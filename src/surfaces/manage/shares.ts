import { z } from 'zod'
import { findShare, listShares, type Share } from '../../core/sharing/read-shares.ts'
import { changeShare, shareRepository, unshareRepository } from '../../core/sharing/shares.ts'
import { contentRange, pageHeaders } from '../../protocol/manage/paging.ts'
import {
  type CreateShareBody,
  createShareBody,
  type ShareView,
  type ShownShareView,
  shareListKeys,
  shareListQuery,
  shareView,
  shownShareView,
  type UpdateShareBody,
  updateShareBody,
} from '../../protocol/manage/shares.ts'
import { formatTime } from '../../protocol/manage/times.ts'
import { placeIn } from './names.ts'
import {
  type Answer,
  type Call,
  done,
  gone,
  isDone,
  isGone,
  type ManageDeps,
  type Operation,
  operation,
  shown,
  shows,
} from './operation.ts'
import { listParametersOf, pageOf } from './parameters.ts'

/**
 * SWR API, "Shared Account Management". Documents write `repositories` in the path, and the Go SDK of Open Telekom Cloud
 * `repos`, as the rest of the API does.
 */
export const shareOperations: readonly Operation[] = ['repositories', 'repos'].flatMap(spelling => {
  const path = `/namespaces/:organization/${spelling}/:repository/access-domains`
  const spelled = { on: 'repository', isAlias: spelling === 'repos' } as const
  const ofAll = { path, ...spelled } as const
  const ofOne = { path: `${path}/:account`, ...spelled } as const
  return [
    operation({
      ...ofAll,
      method: 'POST',
      name: 'createRepoDomains',
      summary: 'Lets another account pull a private image until a deadline, or for ever.',
      route: 'repository.share',
      failureCode: '5000093',
      body: { schema: createShareBody },
      answer: isDone,
      errors: ['share_exists', 'description_too_long'],
      run: create,
    }),
    operation({
      ...ofAll,
      method: 'GET',
      name: 'listRepoDomains',
      summary: 'Lists the accounts that an image is shared with.',
      route: 'repository.list-shares',
      failureCode: '5000090',
      query: shareListQuery,
      filter: shareListKeys,
      answer: shows(z.array(shareView), pageHeaders),
      errors: [],
      run: list,
    }),
    operation({
      ...ofOne,
      method: 'GET',
      name: 'showAccessDomain',
      summary: 'Shows whether and how an image is shared with an account. That it is not is no error: see `exist`.',
      route: 'repository.get-share',
      failureCode: '5000090',
      answer: shows(shownShareView),
      errors: [],
      run: show,
    }),
    operation({
      ...ofOne,
      method: 'PATCH',
      name: 'updateRepoDomains',
      summary: 'Changes the terms of a share. A description that is absent or null stays as it is.',
      route: 'repository.change-share',
      failureCode: '5000092',
      body: { schema: updateShareBody },
      answer: isDone,
      errors: ['share_unknown', 'description_too_long'],
      run: change,
    }),
    operation({
      ...ofOne,
      method: 'DELETE',
      name: 'deleteRepoDomains',
      summary: 'Ends a share.',
      route: 'repository.unshare',
      failureCode: '5000092',
      answer: isGone,
      errors: ['share_unknown'],
      run: remove,
    }),
  ]
})

type Place = ReturnType<typeof placeIn>

async function create(deps: ManageDeps, call: Call<CreateShareBody>): Promise<typeof done> {
  const place = placeIn(call)
  const { access_domain, deadline, description } = await call.readBody()
  await shareRepository(deps, call.by, {
    place,
    accountName: access_domain,
    terms: { deadline, description: description ?? '' },
  })
  return done
}

async function list(deps: ManageDeps, call: Call): Promise<Answer<ShareView[]>> {
  const place = placeIn(call)
  const page = pageOf(listParametersOf(call, shareListKeys))
  const { shares, total } = await listShares(deps, call.by.caller, { place, ...page })
  const range = contentRange({ offset: page.offset, count: shares.length, total })
  return shown(
    shares.map(share => viewOf(share, place)),
    { 'content-range': range },
  )
}

async function show(deps: ManageDeps, call: Call): Promise<Answer<ShownShareView>> {
  const place = placeIn(call)
  const accountName = accountIn(call)
  const share = await findShare(deps, call.by.caller, { place, accountName })
  return shown(share ? { exist: true, ...viewOf(share, place) } : absent(place, accountName))
}

async function change(deps: ManageDeps, call: Call<UpdateShareBody>): Promise<typeof done> {
  const place = placeIn(call)
  const { deadline, description } = await call.readBody()
  await changeShare(deps, call.by, {
    place,
    accountName: accountIn(call),
    terms: { deadline, ...(typeof description === 'string' && { description }) },
  })
  return done
}

async function remove(deps: ManageDeps, call: Call): Promise<typeof gone> {
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
